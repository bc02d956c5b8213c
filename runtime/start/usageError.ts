/** The command line is not what the program takes. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
