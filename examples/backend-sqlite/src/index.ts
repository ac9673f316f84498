export { adapter } from './adapter.ts'
export { SqliteBackend, type SqliteOptions } from './backend.ts'
