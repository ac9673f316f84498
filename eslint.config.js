import js from '@eslint/js'
import { defineConfig } from 'eslint/config'
import tseslint from 'typescript-eslint'

/** A pattern for imports of these folders of core, such as `../store/index.ts`. */
const room = (...names) => ({
  regex: `^(\\.\\./)+(${names.join('|')})/`,
  message: 'Dependencies point one way: see docs/architecture.md.',
})

const holdfastPackage = (...names) => ({
  regex: `^(@holdfast/(${names.join('|')})|holdfast)(/|$)`,
  message: 'Dependencies point one way: cli -> core <- adapter-*. See docs/architecture.md.',
})

/** Code inside core must not import the `index.ts` of core or of its own folder: it hides dependencies or is a cycle. */
const ownIndex = {
  regex: '^(\\.\\./)+index\\.ts$',
  message: 'Import the file that declares the name, not an index.ts above this file.',
}

/** Only `openStore` and the entry points may import the facade of the store. */
const facade = {
  regex:
    '^(\\.\\./)+(store|store-reader|calls|tracing|options|settings|transfer-limits|parts|lifetime|saves|alone|copy-checkpoints)\\.ts$',
  message: 'Dependencies point one way: see docs/architecture.md.',
}

/** Our adapters must use the same entry point as adapters of other authors. */
const forApplications = {
  regex: '^@holdfast/core$',
  message: 'Import from @holdfast/core/backend, the entry point for adapters.',
}

const anyAdapter = 'adapter-[a-z0-9]+'

/** Packages that only tests may import. */
const forTests = ['conformance', 'emulators', 'test-servers']

const ofCore = [ownIndex, holdfastPackage(anyAdapter, ...forTests, 'watch', 'core')]

/** The folders of core that the pure folders must not import. */
/** The rooms that only entry points of core import. */
const outermost = ['config', 'adapter-options']

const impureFolders = ['store', 'catalog', 'backend', ...outermost, 'local-files']

/** The rooms of the store, each with the other rooms that it may import. All may import `context` and the first three. */
const storeRooms = {
  attempts: [],
  agreements: [],
  marker: [],
  save: [],
  restore: [],
  read: [],
  upkeep: [],
  runs: [],
  copy: ['save', 'upkeep'],
  mirror: ['copy', 'restore', 'upkeep'],
  ranks: ['save', 'restore', 'upkeep'],
}

const arrowsOfStore = Object.fromEntries(
  Object.entries(storeRooms).map(([name, allowed]) => {
    const mayImport = [name, 'attempts', 'agreements', 'marker', ...allowed]
    const others = Object.keys(storeRooms).filter((each) => !mayImport.includes(each))
    return [`packages/core/src/store/${name}/**`, [room(...outermost, ...others), facade, ...ofCore]]
  }),
)

/** The dependency rules of docs/architecture.md: the imports that each folder must not have. */
const arrows = {
  'packages/core/src/{retention,metrics,integrity,space,pacing,tensors,data}/**': [
    room(...impureFolders),
    ...ofCore,
  ],
  'packages/core/src/{async,input,local-files}/**': [
    room('store', 'catalog', 'backend', ...outermost, 'retention', 'metrics', 'space', 'pacing', 'data'),
    ...ofCore,
  ],
  'packages/core/src/backend/**': [
    room('store', 'catalog', ...outermost, 'retention', 'metrics', 'space', 'pacing', 'data'),
    ...ofCore,
  ],
  'packages/core/src/catalog/documents/**': [
    room('store', ...outermost, 'pages', 'judging', 'commit'),
    ...ofCore,
  ],
  'packages/core/src/catalog/pages/**': [room('store', ...outermost, 'judging', 'commit'), ...ofCore],
  'packages/core/src/catalog/judging/**': [room('store', ...outermost, 'commit'), ...ofCore],
  'packages/core/src/catalog/commit/**': [room('store', ...outermost), ...ofCore],
  ...arrowsOfStore,
  'packages/core/src/store/context/**': [room(...outermost, ...Object.keys(storeRooms)), facade, ...ofCore],
  'packages/core/src/store/*.ts': [room(...outermost), ...ofCore],
  'packages/core/src/adapter-options/**': [room('store', 'catalog', 'config'), ...ofCore],
  'packages/core/src/{config/**,*.ts}': ofCore,
  'packages/adapter-*/src/**': [holdfastPackage(anyAdapter, ...forTests), forApplications],
  'packages/conformance/src/**': [holdfastPackage(anyAdapter, 'emulators', 'test-servers')],
  'packages/emulators/src/**': [holdfastPackage(anyAdapter, 'conformance', 'test-servers')],
  'packages/watch/src/**': [holdfastPackage(anyAdapter, ...forTests)],
  'packages/opentelemetry/src/**': [holdfastPackage(anyAdapter, ...forTests, 'watch', 'page')],
  'packages/page/src/**': [holdfastPackage(anyAdapter, ...forTests, 'watch')],
  'packages/cli/src/**': [holdfastPackage(anyAdapter, ...forTests)],
}

/**
 * Applies the rules to `import()`, which `no-restricted-imports` ignores. A selector must not contain a slash, so slashes
 * are escaped.
 */
const restrictedDynamicImport = ({ regex, message }) => ({
  selector: `ImportExpression[source.value=/${regex.replaceAll('/', '\\u002F')}/]`,
  message,
})

/** Texts of core must not name commands or flags, because most of its users have no command line. A hint names the advice. */
const noCommandLine = ['Literal[value', 'TemplateElement[value.raw'].map((text) => ({
  selector: `${text}=/\\bholdfast [a-z]|(^|[ (])--[a-z]/]`,
  message: 'Name the method or option of the library, and give the error a hint.',
}))

/** An error of core must not name the remedy of its hint, which the command line phrases in its own words. */
const noRemedy = ['Literal[value', 'TemplateElement[value.raw'].map((text) => ({
  selector: `${text}=/\\bstore\\.[a-z]+\\(|onExisting:/]`,
  message: 'Give the error a hint, which names the remedy.',
}))

const coreTexts = [...noCommandLine, ...noRemedy]

const textRules = (folder) => (folder.startsWith('packages/core/') ? coreTexts : [])

const arrowRules = Object.entries(arrows).map(([folder, patterns]) => ({
  files: [folder],
  rules: {
    'no-restricted-imports': ['error', { patterns }],
    'no-restricted-syntax': ['error', ...patterns.map(restrictedDynamicImport), ...textRules(folder)],
  },
}))

export default defineConfig(
  {
    ignores: [
      '**/bundle/**',
      '**/built/**',
      '**/dist/**',
      '**/.types/**',
      '**/node_modules/**',
      '**/.turbo/**',
    ],
  },
  js.configs.recommended,
  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: { allowDefaultProject: ['vitest.config.ts'] } } },
    rules: {
      'no-console': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-unused-vars': ['error', { varsIgnorePattern: '^_', argsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      // Methods of a backend are async, even if an implementation does not await anything.
      '@typescript-eslint/require-await': 'off',
    },
  },
  { files: ['packages/core/src/**'], rules: { 'no-restricted-syntax': ['error', ...coreTexts] } },
  {
    files: ['packages/*/src/**'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...['DisposableStack', 'AsyncDisposableStack'].map((name) => ({
          name,
          message: 'Node.js 22 has none.',
        })),
      ],
    },
  },
  {
    files: ['scripts/**', 'site/src/**', 'examples/training/src/**'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: 'VariableDeclaration[kind=/using/]',
          message: 'Node.js 22 cannot parse `using`, and this file runs as it is written. Call close().',
        },
      ],
    },
  },
  ...arrowRules,
  { files: ['packages/core/src/hints.ts'], rules: { 'no-restricted-syntax': ['error', ...noCommandLine] } },
  {
    files: ['packages/cli/src/**', 'scripts/**', 'tests/**', 'examples/**', '**/test/**', '**/scripts/**'],
    rules: { 'no-console': 'off' },
  },
)
