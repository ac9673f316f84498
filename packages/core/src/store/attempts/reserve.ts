import { randomBytes } from 'node:crypto'
import type { CheckpointBackend } from '../../backend/index.ts'
import { isHoldfastError } from '../../errors.ts'
import type { StoreContext } from '../context/context.ts'
import { reservePrefix } from '../../catalog/documents/index.ts'

/** Size of one reserve file in bytes. A version of the catalog fits into it. */
const fileBytes = 64 * 1024

type Reserved = Pick<StoreContext, 'backend' | 'environment'>

/**
 * Creates the missing files of the reserve on a local file system. A deletion removes them if there is no space for the new
 * version of the catalog. Writes nothing if there is no space for the reserve.
 */
export async function keepReserve({ backend, environment }: Reserved): Promise<void> {
  if (!needsReserve(backend)) return
  const there = new Set(await keysOf(backend))
  try {
    for (let file = 1; file <= environment.reserveFiles; file += 1) {
      const key = `${reservePrefix}${file}`
      // Random bytes, because a file system may compress other bytes.
      if (!there.has(key)) await backend.put(key, randomBytes(fileBytes), { size: fileBytes })
    }
  } catch (error) {
    if (!isHoldfastError(error, 'INSUFFICIENT_SPACE')) throw error
  }
}

/** Returns the space that the reserve will need after a deletion, which may use one of its files. */
export async function missingReserve({
  backend,
  environment: { reserveFiles },
}: Reserved): Promise<{ readonly bytes: number; readonly inodes: number }> {
  if (!needsReserve(backend)) return { bytes: 0, inodes: 0 }
  const missing = Math.min(reserveFiles, reserveFiles - (await keysOf(backend)).length + 1)
  return { bytes: missing * fileBytes, inodes: missing }
}

/**
 * Runs an action that frees space after writing a little. If there is no space to write, releases one reserve file at a
 * time and runs the action again. `freeLeftovers` is the last resort. It returns whether it freed anything.
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

/** On a local disk, other programs can use the last space, and then even a small file cannot be created. */
function needsReserve({ capabilities }: CheckpointBackend): boolean {
  return capabilities.freeSpace === 'measured' && capabilities.localRoot !== undefined
}
