import type * as v from 'valibot'
import type { Call } from './session.ts'
import type { parameters } from './parameters.ts'

/** Opens a file of a checkpoint. Its bytes follow the response on the stream. */
export async function readToStream(
  { store: number, choice, file, range, stream }: v.InferOutput<typeof parameters.read>,
  { session, signal }: Call,
): Promise<{ readonly size: number; readonly sha256: string }> {
  const store = session.storeOf(number)
  const download = session.streams.openDownload(stream)
  try {
    const { size, sha256, body } = await store.read(choice, file, {
      range,
      signal: AbortSignal.any([signal, download.signal]),
    })
    download.start(body)
    return { size, sha256 }
  } catch (error) {
    download.close()
    throw error
  }
}
