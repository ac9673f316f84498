import { PickledObject, PickleError, type Pickled } from './pickled.ts'

/** The bytes of a pickle, and the stack and the memo of the machine that its opcodes use. */
export class PickleMachine {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0
  #stack: Pickled[] = []
  readonly #below: Pickled[][] = []
  readonly #memo = new Map<number, Pickled>()

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** Reads an unsigned little-endian number. */
  number(bytes: 1 | 2 | 4 | 8): number {
    const at = this.#advance(bytes)
    if (bytes === 1) return this.#view.getUint8(at)
    if (bytes === 2) return this.#view.getUint16(at, true)
    if (bytes === 4) return this.#view.getUint32(at, true)
    return Number(this.#view.getBigUint64(at, true))
  }

  int32(): number {
    return this.#view.getInt32(this.#advance(4), true)
  }

  float(): number {
    return this.#view.getFloat64(this.#advance(8), false)
  }

  bytes(length: number): Uint8Array {
    const at = this.#advance(length)
    return this.#bytes.subarray(at, at + length)
  }

  text(length: number): string {
    return Buffer.from(this.bytes(length)).toString('utf8')
  }

  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at)
    if (end === -1) throw new PickleError('The pickle ends in the middle of a line.')
    const text = this.text(end - this.#at)
    this.#at = end + 1
    return text
  }

  /** Reads a little-endian integer in two's complement. */
  integer(length: number): number | bigint {
    if (length > 1024) throw new PickleError('An integer is too long.')
    const bytes = this.bytes(length)
    let value = 0n
    for (const byte of bytes.toReversed()) value = (value << 8n) | BigInt(byte)
    const signed = BigInt.asIntN(8 * length, value)
    return Number.isSafeInteger(Number(signed)) ? Number(signed) : signed
  }

  push(value: Pickled): void {
    this.#stack.push(value)
  }

  pop(): Pickled {
    const value = this.#stack.pop()
    if (value === undefined) throw new PickleError('The stack is empty.')
    return value
  }

  top(): Pickled {
    const value = this.#stack.at(-1)
    if (value === undefined) throw new PickleError('The stack is empty.')
    return value
  }

  /** Returns the object at the top of the stack, to which the pickle adds items. */
  object(): PickledObject {
    const value = this.top()
    if (value instanceof PickledObject) return value
    throw new PickleError('An item is added to a value that cannot have items.')
  }

  mark(): void {
    this.#below.push(this.#stack)
    this.#stack = []
  }

  /** Returns the values that were pushed after the last mark. */
  sinceMark(): Pickled[] {
    const values = this.#stack
    const below = this.#below.pop()
    if (below === undefined) throw new PickleError('A mark is missing.')
    this.#stack = below
    return values
  }

  popMany(count: number): Pickled[] {
    if (this.#stack.length < count) throw new PickleError('The stack has too few values.')
    return this.#stack.splice(this.#stack.length - count)
  }

  remember(index = this.#memo.size): void {
    this.#memo.set(index, this.top())
  }

  recall(index: number): void {
    const value = this.#memo.get(index)
    if (value === undefined) throw new PickleError(`The memo has no entry ${index}.`)
    this.push(value)
  }

  #advance(bytes: number): number {
    const at = this.#at
    if (bytes < 0 || at + bytes > this.#bytes.byteLength) throw new PickleError('The pickle is truncated.')
    this.#at = at + bytes
    return at
  }
}
