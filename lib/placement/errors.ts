import { StrataError } from '../shared/errors.ts';

export class PlacementError extends StrataError<'bad-log' | 'size-unknown' | 'bad-inventory' | 'bad-rules'> {}
