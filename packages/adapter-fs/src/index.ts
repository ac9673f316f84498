export { adapter } from './adapter.ts'
export { FileBackend, type FileBackendOptions } from './backend.ts'
export type { FileSystem } from './file-system.ts'
