import type { CheckpointChoice } from '../../catalog/judging/choose.ts'
import { noSuchFile } from '../attempts/no-such-file.ts'
import { provedFile } from '../attempts/read-verified.ts'
import type { StoreContext } from '../context.ts'
import { requireVerified } from './find.ts'

/** One file of a checkpoint as a stream. */
export interface StreamedFile {
  readonly size: number
  readonly sha256: string
  readonly body: ReadableStream<Uint8Array>
}

/** Opens one file of a checkpoint. The stream fails with `CORRUPT` unless every byte is what was saved. */
export async function readFile(
  context: StoreContext,
  choice: CheckpointChoice,
  name: string,
  signal: AbortSignal | undefined,
): Promise<StreamedFile> {
  const { entry, manifest } = await requireVerified(context, choice, signal)
  const file = manifest.files.find((each) => each.name === name)
  if (file === undefined) {
    const names = manifest.files.map((each) => each.name)
    throw noSuchFile(entry.step, name, names)
  }
  const body = await provedFile(context.backend, entry.attempt, file, signal)
  return { size: file.size, sha256: file.sha256, body }
}
