import type { ExponentFormat, FloatFormat } from './number-formats.ts'

/**
 * The size in bytes of the block in which numbers are examined: a multiple of 32-bit words and of every number format.
 */
const block = 8

/** Looks for the first number that is NaN or infinite in bytes that arrive in chunks of any size. Little-endian. */
export class NonFiniteSearch {
  readonly #format: FloatFormat
  /** The bytes at the end of the last chunk that do not fill a block. */
  readonly #rest = new Uint8Array(block)
  #restBytes = 0
  /** The number of bytes in complete blocks that were examined. */
  #seen = 0
  #found: number | undefined

  constructor(format: FloatFormat) {
    this.#format = format
  }

  update(chunk: Uint8Array): void {
    if (this.#found !== undefined) return
    let start = 0
    if (this.#restBytes > 0) {
      start = Math.min(block - this.#restBytes, chunk.byteLength)
      this.#rest.set(chunk.subarray(0, start), this.#restBytes)
      this.#restBytes += start
      if (this.#restBytes < block) return
      this.#restBytes = 0
      this.#look(this.#rest)
    }
    const end = chunk.byteLength - ((chunk.byteLength - start) % block)
    this.#look(chunk.subarray(start, end))
    this.#rest.set(chunk.subarray(end))
    this.#restBytes = chunk.byteLength - end
  }

  /** Returns the index of the first number that is not finite, counted in numbers; `undefined` if there is none. */
  finish(): number | undefined {
    this.#rest.fill(0, this.#restBytes)
    if (this.#restBytes > 0) this.#look(this.#rest)
    return this.#found
  }

  #look(bytes: Uint8Array): void {
    if (this.#found !== undefined) return
    const index = firstNonFinite(bytes, this.#format)
    if (index !== undefined) this.#found = this.#seen / this.#format.bytes + index
    this.#seen += bytes.byteLength
  }
}

/** Returns the index of the first number that is not finite; `undefined` if there is none. */
function firstNonFinite(bytes: Uint8Array, format: FloatFormat): number | undefined {
  if ('nan' in format) {
    const index = bytes.indexOf(format.nan)
    return index === -1 ? undefined : index
  }
  const words = wordsOf(bytes)
  return hasNonFinite(words, format) ? firstIn(words, format) : undefined
}

/** Returns the bytes as words of 32 bits. They are copied if they do not lie on a boundary of words. */
function wordsOf(bytes: Uint8Array): Int32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : Uint8Array.from(bytes)
  return new Int32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4)
}

/** Several numbers of a word are tested with one addition: see `FloatFormat.carry`. */
function hasNonFinite(words: Int32Array, { bytes, exponents, carry, signs }: ExponentFormat): boolean {
  let seen = 0
  const stride = bytes === 8 ? 2 : 1
  for (let index = stride - 1; index < words.length; index += stride)
    seen |= (((words[index] ?? 0) & exponents) + carry) | 0
  return (seen & signs) !== 0
}

/** Returns the index of the first number that is not finite. The words must contain one. */
function firstIn(words: Int32Array, format: ExponentFormat): number {
  const { bytes, exponents, carry } = format
  if (bytes === 8) return words.findIndex((word, index) => index % 2 === 1 && isCarried(word, format)) >> 1
  const word = words.findIndex((each) => isCarried(each, format))
  const carried = (((words[word] ?? 0) & exponents) + carry) >>> 0
  const perWord = 4 / bytes
  for (let index = 0; index < perWord; index += 1) {
    const sign = 1 << (8 * bytes * (index + 1) - 1)
    if ((carried & sign) !== 0) return word * perWord + index
  }
  return word * perWord
}

function isCarried(word: number, { exponents, carry, signs }: ExponentFormat): boolean {
  return (((word & exponents) + carry) & signs) !== 0
}
