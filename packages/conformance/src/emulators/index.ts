export {
  type S3Access,
  type S3Credentials,
  type S3Emulator,
  type S3EmulatorOptions,
  startS3Emulator,
} from './s3/index.ts'
