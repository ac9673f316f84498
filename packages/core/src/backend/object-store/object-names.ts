import { HoldfastError } from '../../errors.ts'
import { assertKey } from '../key.ts'

/** Turns keys into the names of objects in a bucket or container, below one root, and back. */
export class ObjectNames {
  /** Of the root, without a slash at its end. */
  readonly url: string
  /** What the names of all our objects begin with: empty, or ending in a slash. */
  readonly root: string
  /** The longest key in bytes of UTF-8. */
  readonly maxKeyBytes: number

  /**
   * `place` is the URL of the bucket, `path` the root inside it, `maxNameBytes` what the store takes for a name.
   * Throws `CONFIG` for a path that cannot be a root.
   */
  constructor(place: string, path: string, maxNameBytes: number) {
    const inside = path.replace(/^\/+|\/+$/g, '')
    try {
      if (inside !== '') assertKey(inside)
    } catch (error) {
      throw new HoldfastError('CONFIG', `${place}/${inside} is not a place for a store.`, { cause: error })
    }
    this.root = inside === '' ? '' : `${inside}/`
    this.url = [
      place,
      ...inside
        .split('/')
        .filter((part) => part !== '')
        .map(encodeURIComponent),
    ].join('/')
    this.maxKeyBytes = maxNameBytes - Buffer.byteLength(this.root)
  }

  /** Throws `INVALID_ARGUMENT` for a key that is too long for the store. */
  object(key: string): string {
    if (Buffer.byteLength(key) > this.maxKeyBytes) {
      throw new HoldfastError(
        'INVALID_ARGUMENT',
        `The key ${JSON.stringify(key)} has more than the ${this.maxKeyBytes} bytes that fit below ${this.url}.`,
        { key, url: this.url },
      )
    }
    return this.root + key
  }

  /** The key of an object whose name begins with the root. */
  key(object: string): string {
    return object.slice(this.root.length)
  }
}
