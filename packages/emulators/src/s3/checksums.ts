import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { combineCrc32, combineCrc32c, combineCrc64Nvme, Crc32c, Crc64Nvme } from '@holdfast/core/backend'

export type ChecksumAlgorithm = 'CRC32' | 'CRC32C' | 'CRC64NVME' | 'SHA256'

/**
 * Whether a checksum is that of the bytes of the object, or of the checksums of its parts:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html.
 */
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE'

/** A checksum of bytes, in base64. */
export interface ChecksumValue {
  readonly algorithm: ChecksumAlgorithm
  readonly value: string
}

/** The checksum that S3 keeps of an object. */
export interface Checksum {
  readonly algorithm: ChecksumAlgorithm
  readonly type: ChecksumType
  /** The checksum in base64. A composite checksum is followed by a hyphen and the number of parts. */
  readonly value: string
}

interface Running {
  update(bytes: Uint8Array): unknown
  digest(): Buffer
}

interface Algorithm {
  readonly bytes: number
  readonly types: readonly ChecksumType[]
  readonly create: () => Running
  readonly combine?: (first: Buffer, second: Buffer, secondBytes: number) => Buffer
}

/**
 * The types that each algorithm supports in multipart uploads:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html.
 */
const algorithms: Readonly<Record<ChecksumAlgorithm, Algorithm>> = {
  CRC32: {
    bytes: 4,
    types: ['COMPOSITE', 'FULL_OBJECT'],
    create: () => {
      let value = 0
      return {
        update: (bytes) => (value = crc32(bytes, value)),
        digest: () => bigEndian(BigInt(value), 4),
      }
    },
    combine: (first, second, secondBytes) =>
      bigEndian(BigInt(combineCrc32(first.readUInt32BE(), second.readUInt32BE(), secondBytes)), 4),
  },
  CRC32C: {
    bytes: 4,
    types: ['COMPOSITE', 'FULL_OBJECT'],
    create: () => {
      const crc = new Crc32c()
      return { update: (bytes) => crc.update(bytes), digest: () => bigEndian(BigInt(crc.value), 4) }
    },
    combine: (first, second, secondBytes) =>
      bigEndian(BigInt(combineCrc32c(first.readUInt32BE(), second.readUInt32BE(), secondBytes)), 4),
  },
  CRC64NVME: {
    bytes: 8,
    types: ['FULL_OBJECT'],
    create: () => {
      const crc = new Crc64Nvme()
      return { update: (bytes) => crc.update(bytes), digest: () => bigEndian(crc.value, 8) }
    },
    combine: (first, second, secondBytes) =>
      bigEndian(combineCrc64Nvme(number(first), number(second), secondBytes), 8),
  },
  SHA256: { bytes: 32, types: ['COMPOSITE'], create: () => createHash('sha256') },
}

export const checksumAlgorithms = Object.keys(algorithms) as readonly ChecksumAlgorithm[]

export function isAlgorithm(name: string): name is ChecksumAlgorithm {
  return Object.hasOwn(algorithms, name)
}

/** Returns the header of a checksum, such as `x-amz-checksum-crc32c`. */
export function headerOf(algorithm: ChecksumAlgorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`
}

/** Creates an incremental checksum. */
export function createChecksum(algorithm: ChecksumAlgorithm): Running {
  return algorithms[algorithm].create()
}

/** Returns whether a text has the form of a checksum of this algorithm. */
export function isChecksum(algorithm: ChecksumAlgorithm, base64: string): boolean {
  const bytes = Buffer.from(base64, 'base64')
  return bytes.byteLength === algorithms[algorithm].bytes && bytes.toString('base64') === base64
}

/** Returns the types that an algorithm supports in a multipart upload. The first is the default. */
export function typesOf(algorithm: ChecksumAlgorithm): readonly ChecksumType[] {
  return algorithms[algorithm].types
}

/** Computes the checksum of an object from the checksums of its parts. */
export function ofParts(
  algorithm: ChecksumAlgorithm,
  type: ChecksumType,
  parts: readonly { readonly checksum: string; readonly size: number }[],
): Checksum {
  const { create, combine } = algorithms[algorithm]
  const digests = parts.map(({ checksum, size }) => ({ digest: Buffer.from(checksum, 'base64'), size }))
  if (type === 'COMPOSITE' || combine === undefined) {
    const running = create()
    for (const { digest } of digests) running.update(digest)
    return { algorithm, type, value: `${running.digest().toString('base64')}-${parts.length}` }
  }
  const whole = digests.reduce((sum, { digest, size }) => combine(sum, digest, size), create().digest())
  return { algorithm, type, value: whole.toString('base64') }
}

function number(bytes: Buffer): bigint {
  return BigInt(`0x${bytes.toString('hex')}`)
}

function bigEndian(value: bigint, bytes: number): Buffer {
  return Buffer.from(value.toString(16).padStart(2 * bytes, '0'), 'hex')
}
