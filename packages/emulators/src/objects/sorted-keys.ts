/**
 * Compares keys by their UTF-8 bytes, the order in which stores list. It differs from the order of JavaScript strings
 * only in that characters written as surrogate pairs come last.
 */
export function compareKeys(one: string, other: string): number {
  const length = Math.min(one.length, other.length)
  for (let index = 0; index < length; index += 1) {
    const left = one.charCodeAt(index)
    const right = other.charCodeAt(index)
    if (left !== right) return rank(left) - rank(right)
  }
  return one.length - other.length
}

function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
}

/** A set of keys, ordered by their UTF-8 bytes. */
export class SortedKeys {
  readonly #keys: string[] = []

  add(key: string): void {
    const index = this.#indexOf(key)
    if (this.#keys[index] !== key) this.#keys.splice(index, 0, key)
  }

  delete(key: string): void {
    const index = this.#indexOf(key)
    if (this.#keys[index] === key) this.#keys.splice(index, 1)
  }

  /** Yields the keys that are not before this one. */
  *from(key: string): Generator<string> {
    for (let index = this.#indexOf(key); index < this.#keys.length; index += 1) yield this.#keys[index] ?? ''
  }

  /** Returns the index of the key, or the index at which to insert it. */
  #indexOf(key: string): number {
    let low = 0
    let high = this.#keys.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareKeys(this.#keys[middle] ?? '', key) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}
