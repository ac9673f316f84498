import { type CallOptions, type ObjectHash, StreamingDigest } from '@holdfast/core'
import type { FileSystem } from './file-system.ts'
import type { Names } from './names.ts'
import { read } from './read.ts'

/** A file system keeps no digests, so it is computed by reading. */
export async function hash(
  fileSystem: FileSystem,
  names: Names,
  key: string,
  { signal }: CallOptions,
): Promise<ObjectHash> {
  const digest = new StreamingDigest()
  const { body } = await read(fileSystem, names, key, { signal })
  for await (const chunk of body) digest.update(chunk)
  return { algorithm: 'sha256', value: digest.sha256(), origin: 'computed' }
}
