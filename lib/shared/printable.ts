/** Names and texts come from uploads, hosts and other people: what could move a terminal's cursor is shown, not sent. Lines stay. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => (character === '\n' ? character : '\uFFFD'));
}

/** The same of what stands in one line, such as a name: another line would be told in the name of whoever prints it. */
export function printableLine(text: string): string {
  return printable(text).replaceAll('\n', '\uFFFD');
}

/** One JSON record a line, with all that could move a terminal's cursor escaped: `JSON.stringify` leaves C1 and bidirectional controls. */
export function jsonLine(record: unknown): string {
  const escaped = (unit: number) => `\\u${unit.toString(16).padStart(4, '0')}`;
  const json = JSON.stringify(record).replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) =>
    Array.from({ length: character.length }, (_, at) => escaped(character.charCodeAt(at))).join(''),
  );
  return `${json}\n`;
}
