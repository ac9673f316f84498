import type { CheckpointBackend, ReadableObject } from '../../backend/index.ts'
import type { RateLimit } from '../../pacing/index.ts'
import type { StoreContext } from '../context/context.ts'

/** The part of a backend that reads the files of checkpoints. */
export type PayloadReader = Pick<CheckpointBackend, 'url' | 'read'>

/** Returns what reads the files of checkpoints, no faster than the store allows. */
export function payloadReader({ backend, transfers: { download } }: StoreContext): PayloadReader {
  if (download === undefined) return backend
  return {
    url: backend.url,
    read: async (key, options) => paced(await backend.read(key, options), download, options?.signal),
  }
}

function paced(object: ReadableObject, limit: RateLimit, signal: AbortSignal | undefined): ReadableObject {
  const transfer = limit.begin()
  const end = (): void => {
    transfer[Symbol.dispose]()
  }
  const body = object.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      async transform(chunk, controller) {
        try {
          await transfer.pace(chunk.byteLength, signal)
        } catch (error) {
          end()
          throw error
        }
        controller.enqueue(chunk)
      },
      flush: end,
      cancel: end,
    }),
  )
  return { ...object, body }
}
