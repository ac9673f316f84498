import type { CheckpointBackend } from '../../backend/index.ts'
import { HoldfastError } from '../../errors.ts'
import { probePrefix } from '../../catalog/documents/index.ts'
import { readSmall } from '../../catalog/documents/read-document.ts'

/**
 * Verifies that the store enforces conditional creation: a second creation of one key must fail and keep the first body.
 * Rejects with `UNSUPPORTED` if it does not, since such a store would lose checkpoints silently.
 */
export async function probeEnforcement(
  backend: CheckpointBackend,
  id: string,
  signal?: AbortSignal,
): Promise<void> {
  const key = `${probePrefix}${id}`
  const first = Buffer.from(`first ${id}\n`)
  const second = Buffer.from(`second ${id}\n`)
  const outcomes = [
    await backend.commit(key, first, { signal }),
    await backend.commit(key, second, { signal }),
  ]
  const standing = await readSmall(backend, key, signal)
  await backend.delete([key], { signal })
  if (outcomes[0] === 'created' && outcomes[1] === 'exists' && Buffer.compare(standing, first) === 0) return
  throw new HoldfastError(
    'UNSUPPORTED',
    `${backend.url} does not enforce conditional creation: a second writer could overwrite a commit of the first, ` +
      'and checkpoints would be lost silently. Use a store that enforces it.',
    { url: backend.url },
  )
}
