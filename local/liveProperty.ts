/** One property of a deployed resource: what the template wants, and how to read and apply it through the service. */
export interface LiveProperty {
  readonly resource: string;
  readonly property: string;
  readonly wanted: unknown;
  /** What the service says now. */
  readonly read: () => Promise<unknown>;
  readonly apply: () => Promise<unknown>;
}
