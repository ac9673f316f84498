/** The Castagnoli polynomial, with the lowest power in the highest bit (RFC 3720, appendix B.4). */
const polynomial = 0x82f63b78

/**
 * Table `k` holds, for each byte, its remainder after `k` zero bytes. The tables are built with the first checksum,
 * because building them takes longer than loading much of this package, and most processes compute no checksum.
 */
let known: Int32Array | undefined

function remainders(): Int32Array {
  const table = new Int32Array(16 * 256)
  for (let byte = 0; byte < 256; byte += 1) {
    let remainder = byte
    for (let bit = 0; bit < 8; bit += 1)
      remainder = remainder & 1 ? (remainder >>> 1) ^ polynomial : remainder >>> 1
    table[byte] = remainder
  }
  for (let index = 256; index < table.length; index += 1) {
    const before = table[index - 256] ?? 0
    table[index] = (table[before & 0xff] ?? 0) ^ (before >>> 8)
  }
  return table
}

/**
 * An incremental CRC32C. It detects damage, not manipulation.
 *
 * Google Cloud Storage keeps it for every object: https://cloud.google.com/storage/docs/data-validation. S3 keeps it
 * for objects that were stored with it:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html.
 *
 * @example
 * new Crc32c().update(Buffer.from('123456789')).value // 0xe3069283
 */
export class Crc32c {
  #remainder: number

  /** Continues from the checksum of the bytes before. */
  constructor(value = 0) {
    this.#remainder = ~value
  }

  /** The checksum of all bytes so far, as an unsigned integer. More bytes can follow. */
  get value(): number {
    return ~this.#remainder >>> 0
  }

  /** Adds bytes. It processes sixteen at a time, as four words (slicing-by-16). */
  update(bytes: Uint8Array): this {
    const tables = (known ??= remainders())
    const { byteLength } = bytes
    let crc = this.#remainder
    let index = 0
    const words = new DataView(bytes.buffer, bytes.byteOffset, byteLength)
    for (const end = byteLength - (byteLength % 16); index < end; index += 16) {
      const first = crc ^ words.getInt32(index, true)
      const second = words.getInt32(index + 4, true)
      const third = words.getInt32(index + 8, true)
      const fourth = words.getInt32(index + 12, true)
      crc =
        (tables[3840 + (first & 0xff)] ?? 0) ^
        (tables[3584 + ((first >>> 8) & 0xff)] ?? 0) ^
        (tables[3328 + ((first >>> 16) & 0xff)] ?? 0) ^
        (tables[3072 + (first >>> 24)] ?? 0) ^
        (tables[2816 + (second & 0xff)] ?? 0) ^
        (tables[2560 + ((second >>> 8) & 0xff)] ?? 0) ^
        (tables[2304 + ((second >>> 16) & 0xff)] ?? 0) ^
        (tables[2048 + (second >>> 24)] ?? 0) ^
        (tables[1792 + (third & 0xff)] ?? 0) ^
        (tables[1536 + ((third >>> 8) & 0xff)] ?? 0) ^
        (tables[1280 + ((third >>> 16) & 0xff)] ?? 0) ^
        (tables[1024 + (third >>> 24)] ?? 0) ^
        (tables[768 + (fourth & 0xff)] ?? 0) ^
        (tables[512 + ((fourth >>> 8) & 0xff)] ?? 0) ^
        (tables[256 + ((fourth >>> 16) & 0xff)] ?? 0) ^
        (tables[fourth >>> 24] ?? 0)
    }
    for (; index < byteLength; index += 1)
      crc = (tables[(crc ^ (bytes[index] ?? 0)) & 0xff] ?? 0) ^ (crc >>> 8)
    this.#remainder = crc
    return this
  }
}

/** Returns a checksum as object stores write it: base64 of its four bytes, highest byte first. */
export function crc32cBase64(value: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes.toString('base64')
}

/** Parses a checksum as object stores write it. Returns `undefined` if the text is not base64 of four bytes. */
export function parseCrc32c(base64: string): number | undefined {
  const bytes = Buffer.from(base64, 'base64')
  return bytes.byteLength === 4 && bytes.toString('base64') === base64 ? bytes.readUInt32BE() : undefined
}
