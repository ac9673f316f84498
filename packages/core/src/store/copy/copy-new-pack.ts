import type { CheckpointBackend, PutOptions } from '../../backend/index.ts'
import { type AttemptId, type ManifestFile, objectKey } from '../../catalog/documents/index.ts'
import { HoldfastError, isHoldfastError } from '../../errors.ts'
import { StreamingDigest } from '../../integrity/index.ts'
import { AttemptReader } from '../attempts/packs/attempt-reader.ts'
import { packedSource } from '../attempts/packs/packed-source.ts'
import type { SizedFile } from '../attempts/packs/plan-packs.ts'
import type { PayloadReader } from '../attempts/payload-reader.ts'
import { filesIn, type NewPack } from './new-packs.ts'

/** The store with the files of a new pack. */
export interface FilesOfPack {
  readonly url: string
  readonly open: (file: ManifestFile) => Promise<AsyncIterable<Uint8Array>>
}

/**
 * Stores files of the source as one object, and returns them as the manifest of the copy lists them. Rejects with `CORRUPT`
 * before the destination shows the object if the bytes of a file differ from the manifest of the source.
 */
export async function storeNewPack(
  destination: CheckpointBackend,
  to: AttemptId,
  pack: NewPack,
  source: FilesOfPack,
  options: Pick<PutOptions, 'onProgress' | 'pace'> & { readonly signal: AbortSignal },
): Promise<readonly ManifestFile[]> {
  const expected = new Map<SizedFile, ManifestFile>(
    pack.files.map((file) => {
      const { name, size } = file
      return [{ name, size, source: { [Symbol.asyncIterator]: () => bytesOf(file, source) } }, file]
    }),
  )
  const onFile = (read: SizedFile, sha256: string): void => {
    if (expected.get(read)?.sha256 !== sha256) throw otherBytes(read.name, source.url)
  }
  const observer = { observe: () => undefined, onFile }
  const body = packedSource([...expected.keys()], observer, options.signal)
  const key = objectKey(to, pack.name)
  const { size, sha256, storeDigest } = await destination.put(key, body, { ...options, size: pack.size })
  const digest = storeDigest === undefined ? {} : { storeDigest: { ...storeDigest } }
  return describedBy(pack, { ...digest, pack: { size, sha256 } })
}

/**
 * Returns the files of a pack that an earlier copier stored, as the manifest of the copy lists them; `undefined` if the bytes of
 * one differ.
 */
export async function findNewPack(
  stored: PayloadReader,
  to: AttemptId,
  pack: NewPack,
  signal: AbortSignal,
): Promise<readonly ManifestFile[] | undefined> {
  const files = filesIn(pack)
  const digest = new StreamingDigest()
  await using reader = new AttemptReader(stored, to, files)
  try {
    for (const file of files) for await (const chunk of await reader.open(file, signal)) digest.update(chunk)
  } catch (error) {
    if (isHoldfastError(error, 'CORRUPT')) return undefined
    throw error
  }
  return describedBy(pack, { pack: { size: pack.size, sha256: digest.sha256() } })
}

/** What is known of the pack is noted once. */
function describedBy(
  pack: NewPack,
  facts: Pick<ManifestFile, 'pack' | 'storeDigest'>,
): readonly ManifestFile[] {
  return filesIn(pack).map((file, index) => (index === 0 ? { ...file, ...facts } : file))
}

async function* bytesOf(
  file: ManifestFile,
  { open }: FilesOfPack,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* await open(file)
}

function otherBytes(name: string, url: string): HoldfastError {
  return new HoldfastError('CORRUPT', `${name} differs from the saved file`, { url })
}
