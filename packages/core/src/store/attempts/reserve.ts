import { randomBytes } from 'node:crypto'
import type { CheckpointBackend } from '../../backend/index.ts'
import { isHoldfastError } from '../../errors.ts'
import type { StoreContext } from '../context.ts'
import { reservePrefix } from '../../catalog/documents/index.ts'

/** Bytes of one file of the reserve: a version of the catalog fits into one. */
const fileBytes = 64 * 1024

type Reserved = Pick<StoreContext, 'backend' | 'environment'>

/**
 * Makes the reserve whole: files on a local file system that a deletion removes if there is no space left for the new
 * version of the catalog. Writes nothing if there is no space for it either.
 */
export async function keepReserve({ backend, environment }: Reserved): Promise<void> {
  if (!needsReserve(backend)) return
  const there = new Set(await keysOf(backend))
  try {
    for (let file = 1; file <= environment.reserveFiles; file += 1) {
      const key = `${reservePrefix}${file}`
      // Random, since a file system may compress other bytes away.
      if (!there.has(key)) await backend.put(key, randomBytes(fileBytes), { size: fileBytes })
    }
  } catch (error) {
    if (!isHoldfastError(error, 'INSUFFICIENT_SPACE')) throw error
  }
}

/** What the reserve will take once a deletion, which may use a file of it, is over. */
export async function missingReserve({
  backend,
  environment: { reserveFiles },
}: Reserved): Promise<{ readonly bytes: number; readonly inodes: number }> {
  if (!needsReserve(backend)) return { bytes: 0, inodes: 0 }
  const missing = Math.min(reserveFiles, reserveFiles - (await keysOf(backend)).length + 1)
  return { bytes: missing * fileBytes, inodes: missing }
}

/**
 * Runs an action that frees space once it has written a little. If there is no space for that, releases the reserve file
 * by file, and runs the action again. `freeLeftovers` is the last resort; it returns whether it freed anything.
 */
export async function withReserve<Result>(
  backend: CheckpointBackend,
  freeLeftovers: () => Promise<boolean>,
  action: () => Promise<Result>,
): Promise<Result> {
  let isLast = false
  for (;;) {
    try {
      return await action()
    } catch (error) {
      if (!isHoldfastError(error, 'INSUFFICIENT_SPACE') || isLast) throw error
      if (await releaseOne(backend)) continue
      if (!(await freeLeftovers())) throw error
      isLast = true
    }
  }
}

async function releaseOne(backend: CheckpointBackend): Promise<boolean> {
  const key = (await keysOf(backend)).at(-1)
  if (key === undefined) return false
  const { deleted } = await backend.delete([key])
  return deleted.length > 0
}

async function keysOf(backend: CheckpointBackend): Promise<readonly string[]> {
  if (!needsReserve(backend)) return []
  const keys: string[] = []
  for await (const { key } of backend.list(reservePrefix)) keys.push(key)
  return keys
}

/** Where other programs can take the last space, and a small file cannot be created without any. */
function needsReserve({ capabilities }: CheckpointBackend): boolean {
  return capabilities.freeSpace === 'measured' && capabilities.localRoot !== undefined
}
