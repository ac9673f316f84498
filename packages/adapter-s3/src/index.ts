export { adapter } from './adapter.ts'
export { S3Backend } from './backend.ts'
export type { Checksum, Encryption, S3Credentials, S3Options, StorageClass } from './options.ts'
