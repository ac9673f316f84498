export { adapter } from './adapter.ts'
export { GcsBackend } from './backend.ts'
export type { GcsCredentials, GcsOptions, StorageClass } from './options.ts'
