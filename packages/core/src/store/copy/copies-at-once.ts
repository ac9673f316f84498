import { filesAtOnce } from '../../async/files-at-once.ts'
import { Slots } from '../../async/slots.ts'
import type { BackendCapabilities } from '../../backend/index.ts'

/** How many checkpoints are copied at once. */
const mostCopies = 8

/** Total size in bytes of the checkpoints that are copied at once. All of these bytes may be in memory. */
const mostBytes = 16 * 2 ** 20

/**
 * Returns whether a copy of `next` bytes may begin beside running copies of these sizes. Small checkpoints mostly wait for
 * responses, so several are stored at once. A store with limited space is asked before each copy whether there is enough, so it
 * gets one after the other.
 */
export function mayCopyAtOnce(
  { freeSpace }: Pick<BackendCapabilities, 'freeSpace'>,
  running: readonly number[],
  next: number,
): boolean {
  const bytes = running.reduce((sum, each) => sum + each, next)
  return freeSpace === 'unbounded' && running.length < mostCopies && bytes <= mostBytes
}

/**
 * Returns the slots in which all copies of a call transfer their objects, so that several copies send no more requests at once
 * than one. Requests that wait for a connection may time out.
 */
export function slotsForObjects(
  ...stores: readonly Pick<BackendCapabilities, 'smallObjectsAtOnce'>[]
): Slots {
  return new Slots(filesAtOnce([], Math.min(...stores.map(({ smallObjectsAtOnce }) => smallObjectsAtOnce))))
}
