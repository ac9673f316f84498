export { type S3Access, type S3Emulator, type S3EmulatorOptions, startS3Emulator } from './emulator.ts'
export type { S3Credentials } from './signature.ts'
