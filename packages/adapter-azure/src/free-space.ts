import { type FreeSpace, Quota } from '@holdfast/core'
import type { Container } from './container.ts'
import { list } from './list.ts'

/** A container has no end; a quota is what its owner wants to spend on what lies below the root. */
export function quotaOf(container: Container, total: number | undefined): Quota | undefined {
  if (total === undefined) return undefined
  return new Quota(total, async (signal) => {
    let used = 0
    for await (const { size } of list(container, '', { signal })) used += size
    return used
  })
}

export async function freeSpace(
  quota: Quota | undefined,
  signal: AbortSignal | undefined,
): Promise<FreeSpace> {
  return quota === undefined ? { kind: 'unbounded' } : quota.freeSpace(signal)
}
