/** The numbers of the components of a state. All rows have the same length. */
export type Row = readonly number[]

const rowsInBlock = 2 ** 16
const slotsAtFirst = 2 ** 16

/**
 * The states that were reached, each once, numbered from 0 in the order of arrival; at most 2 ** 32 - 1.
 *
 * Complete rows are stored and compared, so no two states are confused. A set of fingerprints would sometimes confuse
 * them. A state costs four bytes for each number of its row, four for its predecessor, and eight to sixteen for its
 * slot in a table with open addressing.
 */
export class Arrivals {
  readonly #width: number
  readonly #blocks: Uint32Array[] = []
  /** The number of a state plus one, or 0 for a free slot. At most half of the slots are used. */
  #slots = new Uint32Array(slotsAtFirst)
  #size = 0

  constructor(width: number) {
    this.#width = width
  }

  get size(): number {
    return this.#size
  }

  /** Adds a state with the predecessor `parent`, unless it was reached before. */
  add(row: Row, parent: number): void {
    const slot = this.#slotOf(row)
    if (this.#slots[slot] !== 0) return
    const number = this.#size++
    if (number % rowsInBlock === 0) this.#blocks.push(new Uint32Array(rowsInBlock * (this.#width + 1)))
    const block = this.#blockOf(number)
    const start = this.#startOf(number)
    block.set(row, start)
    block[start + this.#width] = parent
    this.#slots[slot] = this.#size
    if (this.#size * 2 > this.#slots.length) this.#grow()
  }

  rowOf(number: number): Row {
    const start = this.#startOf(number)
    const block = this.#blockOf(number)
    const row: number[] = []
    for (let column = 0; column < this.#width; column++) row.push(block[start + column] ?? 0)
    return row
  }

  /** Returns the state from which this one was first reached. */
  parentOf(number: number): number {
    return this.#blockOf(number)[this.#startOf(number) + this.#width] ?? 0
  }

  /** Returns the slot with this row, or the free slot for it. */
  #slotOf(row: Row): number {
    const { length } = this.#slots
    let slot = hashOf(row) % length
    for (;;) {
      const taken = this.#slots[slot] ?? 0
      if (taken === 0 || this.#isAt(taken - 1, row)) return slot
      slot = (slot + 1) % length
    }
  }

  #isAt(number: number, row: Row): boolean {
    const block = this.#blockOf(number)
    const start = this.#startOf(number)
    for (let column = 0; column < this.#width; column++) {
      if (block[start + column] !== row[column]) return false
    }
    return true
  }

  #grow(): void {
    this.#slots = new Uint32Array(this.#slots.length * 2)
    for (let number = 0; number < this.#size; number++) {
      this.#slots[this.#slotOf(this.rowOf(number))] = number + 1
    }
  }

  #blockOf(number: number): Uint32Array {
    const block = this.#blocks[Math.floor(number / rowsInBlock)]
    if (block === undefined) throw new RangeError(`No state has the number ${number}`)
    return block
  }

  #startOf(number: number): number {
    return (number % rowsInBlock) * (this.#width + 1)
  }
}

/** Returns the 32-bit MurmurHash3 of the numbers of a row. */
function hashOf(row: Row): number {
  let hash = row.length
  for (const number of row) {
    let mixed = Math.imul(number, 0xcc9e2d51)
    mixed = Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593)
    hash ^= mixed
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
