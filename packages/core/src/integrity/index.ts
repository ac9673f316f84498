export { combineCrc32, combineCrc32c } from './combine-crc.ts'
export { Crc32c, crc32cBase64, parseCrc32c } from './crc32c.ts'
export { StreamingDigest, sha256Hex } from './digest.ts'
