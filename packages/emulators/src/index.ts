export {
  type S3Access,
  type S3Credentials,
  type S3Emulator,
  type S3EmulatorOptions,
  startS3Emulator,
} from './s3/index.ts'
export { type GcsAccess, type GcsEmulator, type GcsEmulatorOptions, startGcsEmulator } from './gcs/index.ts'
