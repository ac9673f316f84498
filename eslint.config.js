import js from '@eslint/js'
import { defineConfig } from 'eslint/config'
import tseslint from 'typescript-eslint'

/** Rooms of core, by their folder; an import of one of them looks like `../store/index.ts`. */
const room = (...names) => ({
  regex: `^(\\.\\./)+(${names.join('|')})/`,
  message: 'Dependencies point one way: see docs/architecture.md.',
})

const holdfastPackage = (...names) => ({
  regex: `^(@holdfast/(${names.join('|')})|holdfast)(/|$)`,
  message: 'Dependencies point one way: cli -> core <- adapter-*. See docs/architecture.md.',
})

/** From inside, `../index.ts` is the door of core, or a folder's own door: a way around every arrow, or a cycle. */
const ownDoor = {
  regex: '^(\\.\\./)+index\\.ts$',
  message: 'Import the file that has it, not the door above it.',
}

/** Only `openStore` and the entry points know the facade. */
const facade = {
  regex: '^\\.\\./(store|options)\\.ts$',
  message: 'Dependencies point one way: see docs/architecture.md.',
}

/** Adapters are written against the entry point that other people's adapters use. */
const forApplications = { regex: '^@holdfast/core$', message: 'Import from @holdfast/core/backend.' }

const anyAdapter = 'adapter-[a-z0-9]+'

/** What only tests may use. */
const forTests = ['conformance', 'emulators', 'test-servers']

const ofCore = [ownDoor, holdfastPackage(anyAdapter, ...forTests, 'watch', 'core')]

/** Every room of core that knows of stores, catalogs or backends. */
const aboveThePure = ['store', 'catalog', 'backend', 'config', 'local-files']

/** The arrows of docs/architecture.md: what each folder may not import. */
const arrows = {
  'packages/core/src/{retention,metrics,integrity,space,data}/**': [room(...aboveThePure), ...ofCore],
  'packages/core/src/{async,local-files}/**': [
    room('store', 'catalog', 'backend', 'config', 'retention', 'metrics', 'space', 'data'),
    ...ofCore,
  ],
  'packages/core/src/backend/**': [
    room('store', 'catalog', 'config', 'retention', 'metrics', 'space', 'data'),
    ...ofCore,
  ],
  'packages/core/src/catalog/documents/**': [
    room('store', 'config', 'pages', 'judging', 'commit'),
    ...ofCore,
  ],
  'packages/core/src/catalog/pages/**': [room('store', 'config', 'judging', 'commit'), ...ofCore],
  'packages/core/src/catalog/judging/**': [room('store', 'config', 'commit'), ...ofCore],
  'packages/core/src/catalog/commit/**': [room('store', 'config'), ...ofCore],
  'packages/core/src/store/attempts/**': [
    room('config', 'save', 'restore', 'read', 'upkeep'),
    facade,
    ...ofCore,
  ],
  'packages/core/src/store/save/**': [room('config', 'restore', 'read', 'upkeep'), facade, ...ofCore],
  'packages/core/src/store/restore/**': [room('config', 'save', 'read', 'upkeep'), facade, ...ofCore],
  'packages/core/src/store/read/**': [room('config', 'save', 'restore', 'upkeep'), facade, ...ofCore],
  'packages/core/src/store/upkeep/**': [room('config', 'save', 'restore', 'read'), facade, ...ofCore],
  'packages/core/src/store/*.ts': [room('config'), ...ofCore],
  'packages/core/src/{config/**,*.ts}': ofCore,
  'packages/adapter-*/src/**': [holdfastPackage(anyAdapter, ...forTests), forApplications],
  'packages/conformance/src/**': [holdfastPackage(anyAdapter, 'emulators', 'test-servers')],
  'packages/emulators/src/**': [holdfastPackage(anyAdapter, 'conformance', 'test-servers')],
  'packages/watch/src/**': [holdfastPackage(anyAdapter, ...forTests)],
  'packages/cli/src/**': [holdfastPackage(anyAdapter, ...forTests)],
}

/** `no-restricted-imports` does not see `import()`. A selector cannot hold a slash, so it is written as a code. */
const restrictedDynamicImport = ({ regex, message }) => ({
  selector: `ImportExpression[source.value=/${regex.replaceAll('/', '\\u002F')}/]`,
  message,
})

const arrowRules = Object.entries(arrows).map(([folder, patterns]) => ({
  files: [folder],
  rules: {
    'no-restricted-imports': ['error', { patterns }],
    'no-restricted-syntax': ['error', ...patterns.map(restrictedDynamicImport)],
  },
}))

export default defineConfig(
  { ignores: ['**/bundle/**', '**/dist/**', '**/.types/**', '**/node_modules/**', '**/.turbo/**'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: { allowDefaultProject: ['vitest.config.ts'] } } },
    rules: {
      'no-console': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-unused-vars': ['error', { varsIgnorePattern: '^_', argsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      // A function of the port is async even where one store answers at once.
      '@typescript-eslint/require-await': 'off',
    },
  },
  ...arrowRules,
  {
    files: ['packages/cli/src/**', 'scripts/**', 'tests/**', 'examples/**', '**/test/**', '**/scripts/**'],
    rules: { 'no-console': 'off' },
  },
)
