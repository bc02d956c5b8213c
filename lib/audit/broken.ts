/**
 * What is wrong with a trail, at its first wrong place. `altered`: is not what was recorded. `missing`: is gone, although a later one is
 * there. `truncated`: is gone, and so is what came after it. `inserted`: was not recorded there. `reordered`: was recorded in another
 * place. `contradicted`: the row that it tells of says something else. `covered`: something was laid over a locked seal.
 */
export interface Broken {
  readonly what: 'altered' | 'missing' | 'truncated' | 'inserted' | 'reordered' | 'contradicted' | 'covered';
  /** Where: an entry of this object, or a seal. */
  readonly object?: string;
  /** Of the entry, or of the seal. */
  readonly number: number;
}

/** One sentence for people. */
export function describeBroken({ what, object, number }: Broken): string {
  const name = object === undefined ? `Seal ${number}` : `Entry ${number} of ${object}`;
  switch (what) {
    case 'altered':
      return `${name} is not what was recorded.`;
    case 'missing':
      return `${name} is gone, and a later one is there.`;
    case 'truncated':
      return `${name} is gone, with whatever came after it.`;
    case 'inserted':
      return `${name} was not recorded there.`;
    case 'reordered':
      return `${name} was recorded in another place.`;
    case 'contradicted':
      return `The catalog says another thing than ${name[0]?.toLowerCase()}${name.slice(1)}.`;
    case 'covered':
      return `${name} has something laid over it.`;
  }
}
