import type { ObjectStat } from '../../src/backend.ts'

interface StoredObject {
  readonly bytes: Uint8Array
  readonly modifiedAt: Date
  readonly revision: string
  /** The file. Objects that share it are damaged together. */
  readonly file: object
}

/** The contents of the simulated store, which outlive every process. */
export class Disk {
  readonly #objects = new Map<string, StoredObject>()
  readonly #sound = new Map<string, Uint8Array>()
  /** The keys of all objects, in their order. */
  readonly #keys: string[] = []
  readonly #written: string[] = []
  /** The keys of the objects that a loss of power may lose. */
  readonly #unsynced = new Set<string>()
  /** The number of changes, so that the oracle looks only after changes. */
  changes = 0

  keys(prefix: string): readonly string[] {
    const found: string[] = []
    for (let at = this.#placeOf(prefix); this.#keys[at]?.startsWith(prefix) === true; at += 1)
      found.push(this.#keys[at] ?? '')
    return found
  }

  /** The key of each write after the first `count` ones, in the order of the writes. */
  writtenAfter(count: number): readonly string[] {
    return this.#written.slice(count)
  }

  /** A disk with the same contents, as a clone or an old snapshot has. */
  clone(): Disk {
    const clone = new Disk()
    for (const [key, object] of this.#objects) clone.#store(key, object)
    return clone
  }

  /** The keys whose bytes were ever flipped at rest. */
  get damaged(): readonly string[] {
    return [...this.#sound.keys()]
  }

  /** Returns the bytes as they were written, without later flips. */
  written(key: string): Uint8Array | undefined {
    return this.#objects.has(key) ? (this.#sound.get(key) ?? this.get(key)) : undefined
  }

  get(key: string): Uint8Array | undefined {
    return this.#objects.get(key)?.bytes
  }

  stat(key: string): ObjectStat | undefined {
    const object = this.#objects.get(key)
    return object === undefined
      ? undefined
      : { key, size: object.bytes.byteLength, modifiedAt: object.modifiedAt, revision: object.revision }
  }

  set(key: string, bytes: Uint8Array, time: number): void {
    this.changes += 1
    this.#sound.delete(key)
    this.#store(key, { bytes, modifiedAt: new Date(time), revision: String(this.changes), file: {} })
  }

  /** Gives a file a second key, as a hard link does. */
  share(from: string, to: string): void {
    const object = this.#objects.get(from)
    if (object === undefined) throw new Error(`There is no ${from}`)
    this.changes += 1
    this.#store(to, object)
    const sound = this.#sound.get(from)
    if (sound === undefined) this.#sound.delete(to)
    else this.#sound.set(to, sound)
  }

  /** A loss of power may lose this object until its folder is synced. */
  awaitSync(key: string): void {
    this.#unsynced.add(key)
  }

  /** Whether a loss of power may lose an object. */
  get hasUnsynced(): boolean {
    return this.#unsynced.size > 0
  }

  /** Makes all objects in the folder of a key durable, as `fsync` of a folder does. */
  sync(key: string): void {
    const folder = folderOf(key)
    for (const each of this.#unsynced) if (folderOf(each) === folder) this.#unsynced.delete(each)
  }

  /**
   * Loses some of the objects that are not durable. A version of the catalog stays, which a disk may also do, because the oracle
   * has seen it. Deletions are durable at once.
   */
  losePower(isLost: () => boolean): void {
    for (const key of this.#unsynced) if (!key.startsWith('catalog/') && isLost()) this.delete(key)
    this.#unsynced.clear()
  }

  delete(key: string): void {
    this.#unsynced.delete(key)
    if (!this.#objects.delete(key)) return
    this.#keys.splice(this.#placeOf(key), 1)
    this.changes += 1
  }

  /** Flips a bit of an object. A document with another major version counts as newer instead of damaged, so that number stays. */
  flip(key: string, bit: number): void {
    const object = this.#objects.get(key)
    if (object === undefined || object.bytes.byteLength === 0) return
    const bytes = Uint8Array.from(object.bytes)
    const at = (bit >> 3) % bytes.byteLength
    if (isMajorVersion(bytes, at)) return
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7))
    for (const [other, { file }] of this.#objects) {
      if (file !== object.file) continue
      this.#objects.set(other, { ...object, bytes })
      if (!this.#sound.has(other)) this.#sound.set(other, object.bytes)
    }
    this.changes += 1
  }

  #store(key: string, object: StoredObject): void {
    if (!this.#objects.has(key)) this.#keys.splice(this.#placeOf(key), 0, key)
    this.#objects.set(key, object)
    this.#written.push(key)
  }

  /** Returns the place of the first key that does not come before this one. */
  #placeOf(key: string): number {
    let [low, high] = [0, this.#keys.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#keys[middle] ?? '') < key) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Returns whether this byte follows the name of a format, as in `holdfast-catalog/1.0`. */
function isMajorVersion(bytes: Uint8Array, at: number): boolean {
  return /holdfast-[a-z-]+\/$/.test(Buffer.from(bytes.subarray(Math.max(0, at - 40), at)).toString('latin1'))
}

function folderOf(key: string): string {
  return key.slice(0, key.lastIndexOf('/') + 1)
}
