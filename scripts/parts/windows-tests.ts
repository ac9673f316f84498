/**
 * Which tests are meant to run on Windows, and why the others cannot. No test ran there yet: a test that fails there for a reason of
 * its own belongs into one of these lists, and a fault of Holdfast does not.
 */

/** The test projects that run on Windows, without `excludedFiles`. */
export const projects = [
  'adapter-azure',
  'adapter-fs',
  'adapter-gcs',
  'adapter-s3',
  'backend-sqlite',
  'conformance',
  'core',
  'emulators',
  'langgraph',
  'opentelemetry',
  'page',
  'scripts',
  'service',
] as const

/** The other test projects, each with the reason. */
export const excludedProjects = {
  attack: 'suspends processes with signals',
  bench: 'measures processes by /proc',
  cli: 'uses shells, signals and named pipes',
  jobs: 'is about schedulers of Linux',
  runner: 'uses signals and mounts',
  runtimes: 'installs runtimes for Linux',
  servers: 'uses shells and signals',
  site: 'is built on Linux',
  stores: 'uses process groups',
  tensorflow: 'uses signals',
  watch: 'uses shells and signals',
} as const

/** The test files of `projects` that Windows cannot run, each with the reason. */
export const excludedFiles = {
  'packages/adapter-fs/test/hostile-disk.test.ts': 'uses modes and named pipes',
  'packages/adapter-fs/test/names.test.ts': 'uses links and named pipes',
  'packages/adapter-fs/test/store.test.ts': 'suspends a process with a signal',
  'packages/adapter-fs/test/unreadable.test.ts': 'uses links and named pipes',
  'packages/adapter-gcs/test/session-file.test.ts': 'uses modes',
  'packages/core/test/data/python.test.ts': 'finds Python as on Linux',
  'packages/core/test/local-files/destination.test.ts': 'uses modes, owners and mounts',
  'packages/core/test/local-files/hidden-folder.test.ts': 'uses a shell',
  'packages/core/test/store/restore.test.ts': 'uses /proc',
  'packages/core/test/config/trust.test.ts': 'uses modes and owners',
} as const
