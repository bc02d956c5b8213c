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

export const noOperation = (word: string | undefined): string =>
  `its operation is ${JSON.stringify(word)}, not read, write or delete`;

export const noTime = (text: string | undefined): string =>
  `its time is ${JSON.stringify(text)}, neither seconds nor milliseconds since 1970 nor an ISO date`;

/** Milliseconds since 1970 from seconds, milliseconds (13 digits) or an ISO date. */
export function parseTimeText(text: string): number | undefined {
  if (/^\d+(\.\d+)?$/.test(text)) {
    const number = Number(text);
    return number >= 1e12 ? number : number * 1_000;
  }
  // Otherwise "-1" would be a day of 2001.
  const at = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? undefined : at;
}
