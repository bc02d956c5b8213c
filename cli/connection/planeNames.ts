/** What names a plane: `from` is the flag or the variable. */
export interface PlaneName {
  readonly kind: 'endpoint' | 'data' | 'aws';
  readonly source: 'flag' | 'environment';
  readonly from: '--endpoint' | '--data' | 'STRATA_ENDPOINT' | 'STRATA_DATA' | 'STRATA_TABLE';
  readonly value: string;
}

export interface PlaneFlags {
  readonly data?: string;
  readonly endpoint?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** All that name a plane; the first of them is the one that commands work on. A variable that is set to nothing names nothing. */
export function planeNames({ endpoint, data }: PlaneFlags, environment: Environment): readonly PlaneName[] {
  const { STRATA_ENDPOINT, STRATA_DATA, STRATA_TABLE } = environment;
  const names = [
    { kind: 'endpoint', source: 'flag', from: '--endpoint', value: endpoint },
    { kind: 'data', source: 'flag', from: '--data', value: data },
    { kind: 'endpoint', source: 'environment', from: 'STRATA_ENDPOINT', value: STRATA_ENDPOINT || undefined },
    { kind: 'data', source: 'environment', from: 'STRATA_DATA', value: STRATA_DATA || undefined },
    { kind: 'aws', source: 'environment', from: 'STRATA_TABLE', value: STRATA_TABLE || undefined },
  ] as const;
  return names.flatMap(({ value, ...name }) => (value === undefined ? [] : [{ ...name, value }]));
}
