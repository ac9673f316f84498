/** A value that a pickle describes. A call in the pickle becomes a value that describes the call. */
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
