import { HoldfastError } from '../../errors.ts'
import type { PutResult } from '../backend.ts'
import { isFileSource, isReopenable, type PutSource } from '../source/byte-source.ts'

/** How often a new upload replaces one that cannot be continued. */
const maxNewUploads = 2

/** The errors of uploads that cannot continue. */
const ofLostUploads = new WeakSet<HoldfastError>()

/**
 * Records that an upload cannot continue, and that a new one can succeed. Returns the error, which must have a URL, so that no other
 * error replaces it.
 */
export function lostUpload(error: HoldfastError): HoldfastError {
  ofLostUploads.add(error)
  return error
}

/** Puts a source. If the upload is lost and the source can be read again, a new upload sends everything again. */
export async function putAgain(source: PutSource, put: () => Promise<PutResult>): Promise<PutResult> {
  const canBeReadAgain = source instanceof Uint8Array || isFileSource(source) || isReopenable(source)
  for (let newUploads = 0; ; newUploads += 1) {
    try {
      return await put()
    } catch (error) {
      const isLost = error instanceof HoldfastError && ofLostUploads.has(error)
      if (!isLost || !canBeReadAgain || newUploads === maxNewUploads) throw error
    }
  }
}
