import type { AccessRecord } from './accessRecord.ts';

/** Words for operations in our own formats; none means a read. */
export function operationWord(word: string | undefined): AccessRecord['op'] | undefined {
  switch ((word ?? '').trim().toLowerCase()) {
    case '':
    case 'read':
    case 'get':
      return 'read';
    case 'write':
    case 'put':
      return 'write';
    case 'delete':
      return 'delete';
    default:
      return undefined;
  }
}

/** Milliseconds since 1970 from seconds, milliseconds (13 digits) or an ISO date. */
export function parseTimeText(text: string): number | undefined {
  if (/^\d+(\.\d+)?$/.test(text)) {
    const number = Number(text);
    return number >= 1e12 ? number : number * 1_000;
  }
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : at;
}
