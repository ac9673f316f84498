import { PickleMachine } from './pickle-machine.ts'
import { PickledGlobal, PickledObject, PickledReference, PickleError, type Pickled } from './pickled.ts'

/** The largest number of opcodes, which no checkpoint reaches. */
const maxOpcodes = 50_000_000

const stop = 0x2e

/**
 * Returns the value that a pickle describes. Executes nothing. The opcodes are those of
 * https://github.com/python/cpython/blob/main/Lib/pickletools.py. Throws `PickleError`.
 */
export function readPickle(bytes: Uint8Array): Pickled {
  const machine = new PickleMachine(bytes)
  for (let count = 0; count < maxOpcodes; count += 1) {
    const opcode = machine.number(1)
    if (opcode === stop) return machine.pop()
    const perform = opcodes.get(opcode)
    if (perform === undefined) throw new PickleError(`The opcode ${opcode} is not known.`)
    perform(machine)
  }
  throw new PickleError('The pickle has too many opcodes.')
}

type Opcode = (machine: PickleMachine) => void

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

function call(machine: PickleMachine): void {
  const values = machine.pop()
  const callee = machine.pop()
  machine.push(new PickledObject(values instanceof PickledObject ? values.items : [], callee))
}

function global(machine: PickleMachine, module: Pickled, name: Pickled): void {
  if (typeof module !== 'string' || typeof name !== 'string') throw new PickleError('A global has no name.')
  machine.push(new PickledGlobal(module, name))
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
    '(': (machine) => {
      machine.mark()
    },
    '0': (machine) => {
      machine.pop()
    },
    '1': (machine) => {
      machine.sinceMark()
    },
    '2': (machine) => {
      machine.push(machine.top())
    },
    // Numbers
    F: (machine) => {
      machine.push(Number(machine.line()))
    },
    G: (machine) => {
      machine.push(machine.float())
    },
    I: (machine) => {
      machine.push(decimal(machine.line()))
    },
    L: (machine) => {
      machine.push(decimal(machine.line()))
    },
    J: (machine) => {
      machine.push(machine.int32())
    },
    K: (machine) => {
      machine.push(machine.number(1))
    },
    M: (machine) => {
      machine.push(machine.number(2))
    },
    '\x8a': (machine) => {
      machine.push(machine.integer(machine.number(1)))
    },
    '\x8b': (machine) => {
      machine.push(machine.integer(machine.int32()))
    },
    N: (machine) => {
      machine.push(null)
    },
    '\x88': (machine) => {
      machine.push(true)
    },
    '\x89': (machine) => {
      machine.push(false)
    },
    // Text and bytes
    S: (machine) => {
      machine.push(machine.line())
    },
    V: (machine) => {
      machine.push(machine.line())
    },
    T: (machine) => {
      machine.push(machine.text(machine.int32()))
    },
    U: (machine) => {
      machine.push(machine.text(machine.number(1)))
    },
    X: (machine) => {
      machine.push(machine.text(machine.number(4)))
    },
    '\x8c': (machine) => {
      machine.push(machine.text(machine.number(1)))
    },
    '\x8d': (machine) => {
      machine.push(machine.text(machine.number(8)))
    },
    B: (machine) => {
      machine.push(machine.bytes(machine.number(4)))
    },
    C: (machine) => {
      machine.push(machine.bytes(machine.number(1)))
    },
    '\x8e': (machine) => {
      machine.push(machine.bytes(machine.number(8)))
    },
    '\x96': (machine) => {
      machine.push(machine.bytes(machine.number(8)))
    },
    // Lists, tuples, sets and dictionaries
    ']': (machine) => {
      machine.push(new PickledObject())
    },
    a: (machine) => {
      const item = machine.pop()
      machine.object().items.push(item)
    },
    e: (machine) => {
      const items = machine.sinceMark()
      const list = machine.object()
      for (const item of items) list.items.push(item)
    },
    l: (machine) => {
      machine.push(new PickledObject(machine.sinceMark()))
    },
    ')': (machine) => {
      machine.push(new PickledObject())
    },
    t: (machine) => {
      machine.push(new PickledObject(machine.sinceMark()))
    },
    '\x85': (machine) => {
      machine.push(new PickledObject(machine.popMany(1)))
    },
    '\x86': (machine) => {
      machine.push(new PickledObject(machine.popMany(2)))
    },
    '\x87': (machine) => {
      machine.push(new PickledObject(machine.popMany(3)))
    },
    '\x8f': (machine) => {
      machine.push(new PickledObject())
    },
    '\x90': (machine) => {
      const items = machine.sinceMark()
      const set = machine.object()
      for (const item of items) set.items.push(item)
    },
    '\x91': (machine) => {
      machine.push(new PickledObject(machine.sinceMark()))
    },
    '}': (machine) => {
      machine.push(new PickledObject())
    },
    d: (machine) => {
      machine.push(dictionary(machine.sinceMark()))
    },
    s: (machine) => {
      const values = machine.popMany(2)
      addEntries(machine.object(), values)
    },
    u: (machine) => {
      const values = machine.sinceMark()
      addEntries(machine.object(), values)
    },
    // Calls, which are never executed
    c: (machine) => {
      const module = machine.line()
      global(machine, module, machine.line())
    },
    '\x93': (machine) => {
      const name = machine.pop()
      global(machine, machine.pop(), name)
    },
    R: call,
    '\x81': call,
    '\x92': (machine) => {
      machine.pop() // the keyword arguments
      call(machine)
    },
    o: (machine) => {
      const [callee = null, ...values] = machine.sinceMark()
      machine.push(new PickledObject(values, callee))
    },
    i: (machine) => {
      const module = machine.line()
      const callee = new PickledGlobal(module, machine.line())
      machine.push(new PickledObject(machine.sinceMark(), callee))
    },
    b: (machine) => {
      const state = machine.pop()
      const target = machine.top()
      if (target instanceof PickledObject) target.state = state
    },
    P: (machine) => {
      machine.push(new PickledReference(machine.line()))
    },
    Q: (machine) => {
      machine.push(new PickledReference(machine.pop()))
    },
    // Memo
    p: (machine) => {
      machine.remember(Number(machine.line()))
    },
    q: (machine) => {
      machine.remember(machine.number(1))
    },
    r: (machine) => {
      machine.remember(machine.number(4))
    },
    '\x94': (machine) => {
      machine.remember()
    },
    g: (machine) => {
      machine.recall(Number(machine.line()))
    },
    h: (machine) => {
      machine.recall(machine.number(1))
    },
    j: (machine) => {
      machine.recall(machine.number(4))
    },
    // Marks of the protocol
    '\x80': (machine) => {
      machine.number(1)
    },
    '\x95': (machine) => {
      machine.number(8)
    },
  }).map(([character, perform]) => [character.charCodeAt(0), perform]),
)
