export { StreamingDigest, sha256Hex } from './digest.ts'
