import { HoldfastError } from '../../errors.ts'
import type { StoreContext } from '../context/context.ts'
import { probePrefix } from '../../catalog/documents/index.ts'

/** Returns the time by the clock of the store. Stores an object for this purpose. */
export async function storeTime(
  { backend, environment }: Pick<StoreContext, 'backend' | 'environment'>,
  signal?: AbortSignal,
): Promise<Date> {
  const key = `${probePrefix}${environment.newId()}`
  try {
    await backend.put(key, Buffer.from(key), { size: Buffer.byteLength(key), signal })
    const stat = await backend.stat(key, { signal })
    if (stat !== undefined) return stat.modifiedAt
    throw new HoldfastError(
      'UNAVAILABLE',
      `${key} was just stored, but no longer exists. Check whether another program deletes objects of the store.`,
      {
        key,
        url: backend.url,
      },
    )
  } finally {
    await backend.delete([key])
  }
}
