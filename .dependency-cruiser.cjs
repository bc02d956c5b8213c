// Imports go one way: functions | agent | cli | runtime -> lib -> events -> lib/shared. See docs/rooms.md.
const composition =
  '^(functions/[^/]+/main\\.ts|functions/wiring|agent/main\\.ts|agent/wiring|runtime|local|bench|cli|test)';
module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-orphans',
      severity: 'error',
      from: {
        orphan: true,
        pathNot: [
          '\\.json$',
          '(^|/)\\.[^/]+',
          '^(test|bench)/',
          '^lib/shared/ports/',
          'main\\.ts$',
          'function\\.ts$',
          '^lib/shared/ports/',
          '^functions/shared/',
          '\\.d\\.ts$',
        ],
      },
      to: {},
    },
    {
      name: 'not-to-unresolvable',
      severity: 'error',
      from: {},
      // `aws-lambda` is a package of types only (@types/aws-lambda).
      to: { couldNotResolve: true, pathNot: '^aws-lambda$' },
    },
    {
      name: 'adapters-only-from-composition-roots',
      severity: 'error',
      from: { pathNot: [composition, '^lib/adapters'] },
      to: { path: '^lib/adapters' },
    },
    {
      name: 'shared-imports-nothing-of-ours',
      severity: 'error',
      from: { path: '^lib/shared' },
      to: { path: '^(functions|agent|cli|runtime|events|infra|local|lib/(?!shared))' },
    },
    {
      name: 'events-import-shared-only',
      severity: 'error',
      from: { path: '^events' },
      to: { path: '^(functions|agent|cli|runtime|infra|local|lib/(?!shared))' },
    },
    {
      name: 'lib-below-functions',
      severity: 'error',
      from: { path: '^lib' },
      to: { path: '^(functions|agent|cli|runtime|infra|local|test|bench)' },
    },
    { name: 'lib-knows-no-aws-envelope', severity: 'error', from: { path: '^lib' }, to: { path: '^events/aws' } },
    {
      name: 'capabilities-by-their-index',
      severity: 'error',
      from: { path: '^lib/(?!adapters)([^/]+)/' },
      to: { path: '^lib/(?!shared|adapters)([^/]+)/', pathNot: ['^lib/$1/', '^lib/[^/]+/index\\.ts$'] },
    },
    {
      name: 'functions-never-import-functions',
      severity: 'error',
      from: { path: '^functions/(?!shared|wiring)([^/]+)/' },
      to: { path: '^functions/(?!shared|wiring)([^/]+)/', pathNot: ['^functions/$1/'] },
    },
    {
      name: 'infra-reads-declarations-only',
      severity: 'error',
      from: { path: '^infra' },
      to: {
        path: '^(functions|agent|cli|runtime|local|lib)',
        pathNot: [
          '^functions/[^/]+/function\\.ts$',
          '^functions/shared/(declaration|environment)\\.ts$',
          '^functions/index\\.ts$',
        ],
      },
    },
    {
      name: 'sdk-only-in-adapters',
      severity: 'error',
      from: { pathNot: ['^lib/adapters', '^(test|bench|local)/'] },
      to: { path: '^(node_modules/)?@aws-sdk' },
    },
    {
      name: 'no-dev-dependency-in-product',
      severity: 'error',
      from: { path: '^(functions|agent|cli|runtime|lib|events)' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(cdk\\.out|\\.services|coverage)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.json'],
    },
  },
};
