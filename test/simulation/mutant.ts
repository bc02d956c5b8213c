/** A one-place edit of shipped code that breaks one rule of docs/simulation.md. */
export interface Mutant {
  readonly id: string;
  /** What the edit breaks, as a sentence. */
  readonly breaks: string;
  /** Path from the root of the repository. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}
