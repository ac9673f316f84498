import { randomBytes } from 'node:crypto'
import { dirname, join } from 'node:path'
import { assertKey, HoldfastError, isReservedOnWindows } from '@holdfast/core/backend'

/** The prefix of the names of temporary files. No part of a key may have this prefix. */
export const temporaryPrefix = '.holdfast-tmp-'

const temporaryNameBytes = temporaryPrefix.length + 16

/** Returns the longest path in bytes (PATH_MAX without its NUL). */
function maxPathBytes(platform: NodeJS.Platform): number {
  return platform === 'darwin' ? 1023 : 4095
}

/** Converts keys into paths below one root, and rejects names that the platform would interpret differently. */
export class Names {
  readonly root: string
  readonly url: string
  /** The longest key in bytes, so that the path of its temporary file is short enough too. */
  readonly maxKeyBytes: number
  readonly #platform: NodeJS.Platform

  constructor(root: string, url: string, platform: NodeJS.Platform) {
    this.root = root
    this.url = url
    this.#platform = platform
    this.maxKeyBytes = Math.max(0, maxPathBytes(platform) - Buffer.byteLength(root) - temporaryNameBytes)
  }

  /**
   * Returns the path of a key. Throws `INVALID_ARGUMENT` for a key that is invalid, too long, reserved, or would leave the root.
   */
  path(key: string): string {
    assertKey(key, this.url)
    if (Buffer.byteLength(key) > this.maxKeyBytes)
      throw this.#refusal(key, `has more than the ${this.maxKeyBytes} bytes that fit below ${this.root}`)
    for (const part of key.split('/')) {
      if (part.startsWith(temporaryPrefix))
        throw this.#refusal(key, `begins with ${temporaryPrefix}, which Holdfast uses for temporary files`)
      if (this.#platform === 'win32' && isReservedOnWindows(part)) {
        throw this.#refusal(key, `has the part ${JSON.stringify(part)}, which Windows reserves`)
      }
    }
    return join(this.root, ...key.split('/'))
  }

  /** Returns the folders between the root and the file of a key, the outermost first, without the root. */
  foldersOf(key: string): readonly string[] {
    const parts = key.split('/').slice(0, -1)
    return parts.map((_, index) => join(this.root, ...parts.slice(0, index + 1)))
  }

  /** Returns an unused name in the folder of a path. Its length does not depend on the path. `tag` has 8 characters. */
  temporary(path: string, tag = randomBytes(4).toString('hex')): string {
    return join(dirname(path), `${temporaryPrefix}${tag}${randomBytes(4).toString('hex')}`)
  }

  /** Returns whether a name is one of a temporary file with this tag. */
  isTemporary(name: string, tag: string): boolean {
    return name.startsWith(`${temporaryPrefix}${tag}`)
  }

  #refusal(key: string, why: string): HoldfastError {
    return new HoldfastError('INVALID_ARGUMENT', `The key ${JSON.stringify(key)} ${why}.`, {
      key,
      url: this.url,
    })
  }
}
