import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { CheckpointFile } from '@holdfast/core'
import { fromNodeError, throwIfAborted } from '@holdfast/core/backend'
import { isGone } from '../folder/find-candidates.ts'

export interface Comparison {
  /** Whether the folder has every file with the saved bytes. */
  readonly areEqual: boolean
  /** Files of the same names with other bytes. */
  readonly differing: readonly { readonly name: string; readonly path: string }[]
}

/** Compares files below a folder with those of a checkpoint. Reads only files of the saved size. */
export async function compareFiles(
  folder: string,
  files: readonly CheckpointFile[],
  signal: AbortSignal,
): Promise<Comparison> {
  const differing: { readonly name: string; readonly path: string }[] = []
  let equal = 0
  for (const file of files) {
    const path = join(folder, ...file.name.split('/'))
    const found = await compare(path, file, signal)
    if (found === 'differs') differing.push({ name: file.name, path })
    if (found === 'equal') equal += 1
  }
  return { areEqual: files.length > 0 && equal === files.length, differing }
}

async function compare(
  path: string,
  { size, sha256 }: CheckpointFile,
  signal: AbortSignal,
): Promise<'equal' | 'differs' | 'missing'> {
  try {
    const stats = await lstat(path)
    if (!stats.isFile() || stats.size !== size) return 'differs'
    const hash = createHash('sha256')
    await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), hash, { signal })
    return hash.digest('hex') === sha256 ? 'equal' : 'differs'
  } catch (error) {
    if (isGone(error)) return 'missing'
    throwIfAborted(signal, 'The comparison')
    throw fromNodeError(error, `reading ${path}`)
  }
}
