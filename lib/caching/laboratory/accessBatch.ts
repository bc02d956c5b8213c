/** A run of accesses in columns: what the trace reader makes and the simulation reads. Columns may be longer than `length`. */
export interface AccessBatch {
  readonly length: number;
  readonly object: Int32Array;
  readonly bytes: Float64Array;
  readonly group: Int32Array;
}
