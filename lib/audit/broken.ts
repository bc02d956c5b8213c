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
