import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { fromNodeError, throwIfAborted } from '@holdfast/core/backend'
import { isGone } from './find-candidates.ts'
import type { Snapshot } from './snapshot.ts'

/** Computes one digest of names and bytes. It is equal for the same files in any place and with any times. */
export function digestOfContents(
  contents: readonly { readonly name: string; readonly sha256: string }[],
): string {
  const hash = createHash('sha256')
  const sorted = contents.toSorted((one, other) => (one.name < other.name ? -1 : 1))
  for (const { name, sha256 } of sorted) hash.update(`${sha256} ${name}\n`)
  return hash.digest('hex')
}

/** Computes the same digest for local files. Returns `undefined` if one of them is deleted during the call. */
export async function digestOfFiles(
  { files }: Snapshot,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const contents: { readonly name: string; readonly sha256: string }[] = []
  for (const { name, path } of files) {
    const hash = createHash('sha256')
    try {
      await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), hash, { signal })
    } catch (error) {
      if (isGone(error)) return undefined
      throwIfAborted(signal, 'The comparison')
      throw fromNodeError(error, `reading ${path}`)
    }
    contents.push({ name, sha256: hash.digest('hex') })
  }
  return digestOfContents(contents)
}
