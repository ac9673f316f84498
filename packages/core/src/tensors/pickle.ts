/**
 * Reads pickles without executing anything: a call in a pickle becomes a value that describes the call. The opcodes are
 * those of https://github.com/python/cpython/blob/main/Lib/pickletools.py.
 */
export type Pickled =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickledGlobal
  | PickledObject
  | PickledReference

/** A class or function, by its name in the pickle. */
export class PickledGlobal {
  readonly name: string

  constructor(module: string, name: string) {
    this.name = `${module}.${name}`
  }
}

/** An object outside of the pickle, such as the bytes of a tensor. */
export class PickledReference {
  readonly id: Pickled

  constructor(id: Pickled) {
    this.id = id
  }
}

/** A list, tuple, set or dictionary, or the result of a call, with the items that the pickle adds to it later. */
export class PickledObject {
  /** The called function. Absent for lists, tuples, sets and dictionaries. */
  readonly callee: Pickled | undefined
  readonly items: Pickled[]
  readonly entries: (readonly [Pickled, Pickled])[] = []
  state: Pickled | undefined

  constructor(items: Pickled[] = [], callee?: Pickled) {
    this.items = items
    this.callee = callee
  }
}

/** Thrown for bytes that are not a pickle, and for unsupported opcodes. */
export class PickleError extends Error {
  override readonly name = 'PickleError'
}

/** The largest number of opcodes, which no checkpoint reaches. */
const maxOpcodes = 50_000_000

/** Returns the value that a pickle describes. Throws `PickleError`. */
export function readPickle(bytes: Uint8Array): Pickled {
  return new PickleReader(bytes).read()
}

type Opcode = (reader: PickleReader) => void

class PickleReader {
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

  read(): Pickled {
    for (let count = 0; count < maxOpcodes; count += 1) {
      const opcode = this.number(1)
      if (opcode === 0x2e) return this.pop() // STOP
      const perform = opcodes.get(opcode)
      if (perform === undefined) throw new PickleError(`The opcode ${opcode} is not known.`)
      perform(this)
    }
    throw new PickleError('The pickle has too many opcodes.')
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

function addEntries(target: PickledObject, values: readonly Pickled[]): void {
  for (let index = 0; index + 1 < values.length; index += 2) {
    const [key, value] = [values[index], values[index + 1]]
    if (key !== undefined && value !== undefined) target.entries.push([key, value])
  }
}

function dictionary(values: readonly Pickled[]): PickledObject {
  const made = new PickledObject()
  addEntries(made, values)
  return made
}

function call(reader: PickleReader): void {
  const values = reader.pop()
  const callee = reader.pop()
  reader.push(new PickledObject(values instanceof PickledObject ? values.items : [], callee))
}

function global(reader: PickleReader, module: Pickled, name: Pickled): void {
  if (typeof module !== 'string' || typeof name !== 'string') throw new PickleError('A global has no name.')
  reader.push(new PickledGlobal(module, name))
}

function decimal(text: string): Pickled {
  if (text === '00') return false
  if (text === '01') return true
  if (!/^-?\d{1,1024}L?$/.test(text)) throw new PickleError('An integer is not a valid number.')
  const value = BigInt(text.replace('L', ''))
  return Number.isSafeInteger(Number(value)) ? Number(value) : value
}

const opcodes: ReadonlyMap<number, Opcode> = new Map(
  Object.entries<Opcode>({
    '(': (reader) => {
      reader.mark()
    },
    '0': (reader) => {
      reader.pop()
    },
    '1': (reader) => {
      reader.sinceMark()
    },
    '2': (reader) => {
      reader.push(reader.top())
    },
    // Numbers
    F: (reader) => {
      reader.push(Number(reader.line()))
    },
    G: (reader) => {
      reader.push(reader.float())
    },
    I: (reader) => {
      reader.push(decimal(reader.line()))
    },
    L: (reader) => {
      reader.push(decimal(reader.line()))
    },
    J: (reader) => {
      reader.push(reader.int32())
    },
    K: (reader) => {
      reader.push(reader.number(1))
    },
    M: (reader) => {
      reader.push(reader.number(2))
    },
    '\x8a': (reader) => {
      reader.push(reader.integer(reader.number(1)))
    },
    '\x8b': (reader) => {
      reader.push(reader.integer(reader.int32()))
    },
    N: (reader) => {
      reader.push(null)
    },
    '\x88': (reader) => {
      reader.push(true)
    },
    '\x89': (reader) => {
      reader.push(false)
    },
    // Text and bytes
    S: (reader) => {
      reader.push(reader.line())
    },
    V: (reader) => {
      reader.push(reader.line())
    },
    T: (reader) => {
      reader.push(reader.text(reader.int32()))
    },
    U: (reader) => {
      reader.push(reader.text(reader.number(1)))
    },
    X: (reader) => {
      reader.push(reader.text(reader.number(4)))
    },
    '\x8c': (reader) => {
      reader.push(reader.text(reader.number(1)))
    },
    '\x8d': (reader) => {
      reader.push(reader.text(reader.number(8)))
    },
    B: (reader) => {
      reader.push(reader.bytes(reader.number(4)))
    },
    C: (reader) => {
      reader.push(reader.bytes(reader.number(1)))
    },
    '\x8e': (reader) => {
      reader.push(reader.bytes(reader.number(8)))
    },
    '\x96': (reader) => {
      reader.push(reader.bytes(reader.number(8)))
    },
    // Lists, tuples, sets and dictionaries
    ']': (reader) => {
      reader.push(new PickledObject())
    },
    a: (reader) => {
      const item = reader.pop()
      reader.object().items.push(item)
    },
    e: (reader) => {
      const items = reader.sinceMark()
      const list = reader.object()
      for (const item of items) list.items.push(item)
    },
    l: (reader) => {
      reader.push(new PickledObject(reader.sinceMark()))
    },
    ')': (reader) => {
      reader.push(new PickledObject())
    },
    t: (reader) => {
      reader.push(new PickledObject(reader.sinceMark()))
    },
    '\x85': (reader) => {
      reader.push(new PickledObject(reader.popMany(1)))
    },
    '\x86': (reader) => {
      reader.push(new PickledObject(reader.popMany(2)))
    },
    '\x87': (reader) => {
      reader.push(new PickledObject(reader.popMany(3)))
    },
    '\x8f': (reader) => {
      reader.push(new PickledObject())
    },
    '\x90': (reader) => {
      const items = reader.sinceMark()
      const set = reader.object()
      for (const item of items) set.items.push(item)
    },
    '\x91': (reader) => {
      reader.push(new PickledObject(reader.sinceMark()))
    },
    '}': (reader) => {
      reader.push(new PickledObject())
    },
    d: (reader) => {
      reader.push(dictionary(reader.sinceMark()))
    },
    s: (reader) => {
      const values = reader.popMany(2)
      addEntries(reader.object(), values)
    },
    u: (reader) => {
      const values = reader.sinceMark()
      addEntries(reader.object(), values)
    },
    // Calls, which are never executed
    c: (reader) => {
      const module = reader.line()
      global(reader, module, reader.line())
    },
    '\x93': (reader) => {
      const name = reader.pop()
      global(reader, reader.pop(), name)
    },
    R: call,
    '\x81': call,
    '\x92': (reader) => {
      reader.pop() // the keyword arguments
      call(reader)
    },
    o: (reader) => {
      const [callee = null, ...values] = reader.sinceMark()
      reader.push(new PickledObject(values, callee))
    },
    i: (reader) => {
      const module = reader.line()
      const callee = new PickledGlobal(module, reader.line())
      reader.push(new PickledObject(reader.sinceMark(), callee))
    },
    b: (reader) => {
      const state = reader.pop()
      const target = reader.top()
      if (target instanceof PickledObject) target.state = state
    },
    P: (reader) => {
      reader.push(new PickledReference(reader.line()))
    },
    Q: (reader) => {
      reader.push(new PickledReference(reader.pop()))
    },
    // Memo
    p: (reader) => {
      reader.remember(Number(reader.line()))
    },
    q: (reader) => {
      reader.remember(reader.number(1))
    },
    r: (reader) => {
      reader.remember(reader.number(4))
    },
    '\x94': (reader) => {
      reader.remember()
    },
    g: (reader) => {
      reader.recall(Number(reader.line()))
    },
    h: (reader) => {
      reader.recall(reader.number(1))
    },
    j: (reader) => {
      reader.recall(reader.number(4))
    },
    // Marks of the protocol
    '\x80': (reader) => {
      reader.number(1)
    },
    '\x95': (reader) => {
      reader.number(8)
    },
  }).map(([character, perform]) => [character.charCodeAt(0), perform]),
)
