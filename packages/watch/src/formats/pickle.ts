import type { Contents } from '../folder/contents.ts'

/** Returns whether a file begins like a pickle of protocol 2 or later. */
export function isPickle(start: Uint8Array): boolean {
  return start[0] === 0x80 && (start[1] ?? 0) >= 2 && (start[1] ?? 0) <= 5
}

/** The first bytes of a file that `torch.save` wrote before PyTorch 1.6: a pickle of its magic number. */
const torchMagic = Buffer.from('80028a0a6cfc9c46f9206aa850192e', 'hex')
/** The number of pickles before the storages: magic number, version, machine, object, and keys of the storages. */
const torchPickles = 5

const windowBytes = 2 ** 20
const maxText = 4096

/** The number of bytes after an opcode. */
const fixed: Readonly<Record<string, number>> = {
  '\x80': 1,
  J: 4,
  K: 1,
  M: 2,
  G: 8,
  h: 1,
  j: 4,
  q: 1,
  r: 4,
  '\x82': 1,
  '\x83': 2,
  '\x84': 4,
  '\x95': 8,
}
/** The number of bytes that state the length of the data after an opcode. */
const counted: Readonly<Record<string, number>> = {
  T: 4,
  U: 1,
  X: 4,
  '\x8c': 1,
  '\x8d': 8,
  B: 4,
  C: 1,
  '\x8e': 8,
  '\x96': 8,
  '\x8a': 1,
  '\x8b': 4,
}
/** The number of lines after an opcode. */
const lines: Readonly<Record<string, number>> = { F: 1, I: 1, L: 1, P: 1, S: 1, V: 1, g: 1, p: 1, c: 2, i: 2 }
const bare = new Set('(.012NQRabdelostu)]}\x81\x85\x86\x87\x88\x89\x8f\x90\x91\x92\x93\x94\x97\x98')

/** Opcodes that use all values since the last mark. Tuples are handled separately. */
const toMark = new Set('ldioue1\x90\x91')

/** The size of an element in bytes, by the name of the class of the storage. */
const elementBytes: Readonly<Record<string, number>> = {
  Double: 8,
  Float: 4,
  Half: 2,
  BFloat16: 2,
  Long: 8,
  Int: 4,
  Short: 2,
  Char: 1,
  Byte: 1,
  Bool: 1,
  ComplexDouble: 16,
  ComplexFloat: 8,
  QInt8: 1,
  QUInt8: 1,
  QInt32: 4,
}

export type PickleEnd = 'whole' | 'unknown' | 'cut'

/**
 * Returns whether a pickle is complete. Its last opcode must be at the end of the file, or the file must have all
 * storages, as `torch.save` wrote them before PyTorch 1.6. Skips opcodes, and builds or executes nothing.
 */
export async function endOfPickle(contents: Contents, file: string, size: number): Promise<PickleEnd> {
  const bytes = new PickleReader(contents, file, size)
  try {
    const first = await scanPickle(bytes)
    const start = await contents.read(file, 0, torchMagic.byteLength)
    if (!torchMagic.equals(start))
      return first === undefined ? 'unknown' : bytes.position === size ? 'whole' : 'unknown'
    let scanned: Scanned | undefined = first
    const storages = new Map<string, number>()
    for (let index = 1; index < torchPickles; index += 1) {
      scanned = await scanPickle(bytes)
      if (scanned === undefined) return 'unknown'
      for (const [key, element] of scanned.storages) storages.set(key, element)
    }
    for (const key of scanned?.texts ?? []) {
      const element = storages.get(key)
      if (element === undefined) return 'unknown'
      await bytes.skip((await bytes.unsigned(8)) * element)
    }
    return bytes.position === size ? 'whole' : 'unknown'
  } catch (error) {
    if (error instanceof CutPickle) return 'cut'
    throw error
  }
}

interface Scanned {
  /** Every string, in order. */
  readonly texts: readonly string[]
  /** The size of an element in bytes, by the key of the storage. */
  readonly storages: ReadonlyMap<string, number>
}

/** Skips one pickle. Returns `undefined` for an unknown opcode. */
async function scanPickle(bytes: PickleReader): Promise<Scanned | undefined> {
  const texts: string[] = []
  const storages = new Map<string, number>()
  const memo = new Map<number, string>()
  /** The strings and names of classes since each open mark. */
  const marks: string[][] = [[]]
  let last = ''
  const found = (value: string): void => {
    last = value
    marks.at(-1)?.push(value)
  }
  for (;;) {
    if (bytes.isShort) await bytes.refill()
    const opcode = String.fromCharCode(await bytes.unsigned(1))
    if (opcode === '.') return { texts, storages }
    const lengthBytes = counted[opcode]
    const lineCount = lines[opcode]
    if (lengthBytes !== undefined) {
      const length = await bytes.unsigned(lengthBytes)
      if ('XU\x8cT'.includes(opcode) && length <= maxText) {
        const text = await bytes.text(length)
        texts.push(text)
        found(text)
      } else await bytes.skip(length)
    } else if (lineCount !== undefined) {
      const parts: string[] = []
      for (let line = 0; line < lineCount; line += 1) parts.push(await bytes.line())
      if (opcode === 'c') found(parts.join('.'))
    } else if (opcode === 'q' || opcode === 'r') memo.set(await bytes.unsigned(opcode === 'q' ? 1 : 4), last)
    else if (opcode === 'h' || opcode === 'j')
      found(memo.get(await bytes.unsigned(opcode === 'h' ? 1 : 4)) ?? '')
    else if (opcode === '(') marks.push([])
    else if (opcode === 't') {
      const [kind, storage = '', key = ''] = marks.pop() ?? []
      const element = elementBytes[/^torch(?:\.cuda)?\.(\w+)Storage$/.exec(storage)?.[1] ?? '']
      if (kind === 'storage' && element !== undefined) storages.set(key, element)
      last = ''
    } else if (fixed[opcode] !== undefined) await bytes.skip(fixed[opcode])
    else if (!bare.has(opcode)) return undefined
    else if (toMark.has(opcode) && marks.length > 1) marks.pop()
  }
}

class CutPickle extends Error {}

/** Reads a file from start to end, one window at a time. */
class PickleReader {
  readonly #contents: Contents
  readonly #file: string
  readonly #size: number
  #window = Buffer.alloc(0)
  #start = 0
  #at = 0

  constructor(contents: Contents, file: string, size: number) {
    this.#contents = contents
    this.#file = file
    this.#size = size
  }

  get position(): number {
    return this.#start + this.#at
  }

  /** Returns whether the window may end within the next opcode. */
  get isShort(): boolean {
    return (
      this.#window.byteLength - this.#at < 2 * maxText && this.#start + this.#window.byteLength < this.#size
    )
  }

  async refill(): Promise<void> {
    const start = this.position
    this.#window = Buffer.from(await this.#contents.read(this.#file, start, windowBytes))
    this.#start = start
    this.#at = 0
  }

  async skip(length: number): Promise<void> {
    if (this.position + length > this.#size) throw new CutPickle()
    this.#at += length
    if (this.#at > this.#window.byteLength) await this.refill()
  }

  /** Reads a little-endian number of the given size in bytes. */
  async unsigned(length: number): Promise<number> {
    const start = await this.#take(length)
    let value = 0
    for (let index = length - 1; index >= 0; index -= 1)
      value = value * 256 + (this.#window[start + index] ?? 0)
    return value
  }

  async text(length: number): Promise<string> {
    const start = await this.#take(length)
    return this.#window.toString('utf8', start, start + length)
  }

  async line(): Promise<string> {
    const end = this.#window.indexOf(0x0a, this.#at)
    if (end === -1) throw new CutPickle()
    const line = this.#window.toString('latin1', this.#at, end)
    this.#at = end + 1
    return line
  }

  async #take(length: number): Promise<number> {
    if (this.position + length > this.#size) throw new CutPickle()
    if (this.#at + length > this.#window.byteLength) await this.refill()
    const start = this.#at
    this.#at += length
    return start
  }
}
