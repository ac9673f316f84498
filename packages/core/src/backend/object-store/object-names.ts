import { HoldfastError } from '../../errors.ts'
import { assertKey } from '../key.ts'

/** Converts keys into names of objects below one root of a bucket or container, and back. */
export class ObjectNames {
  /** The URL of the root, without a trailing slash. */
  readonly url: string
  /** The prefix of the names of all objects of this store: empty, or with a trailing slash. */
  readonly root: string
  /** The longest key in bytes of UTF-8. */
  readonly maxKeyBytes: number

  /**
   * `place` is the URL of the bucket, `path` the root inside it, and `maxNameBytes` the longest name that the store
   * allows. Throws `CONFIG` for a path that cannot be a root.
   */
  constructor(place: string, path: string, maxNameBytes: number) {
    const inside = path.replace(/^\/+|\/+$/g, '')
    try {
      if (inside !== '') assertKey(inside)
    } catch (error) {
      throw new HoldfastError('CONFIG', `${place}/${inside} is not a valid location of a store.`, {
        cause: error,
      })
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

  /** Returns the name of the object of a key. Throws `INVALID_ARGUMENT` for a key that is too long for the store. */
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

  /** Returns the key of an object. The name must begin with the root. */
  key(object: string): string {
    return object.slice(this.root.length)
  }
}
