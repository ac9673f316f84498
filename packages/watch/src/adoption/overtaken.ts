import type { Adopted, Memory } from '../memory/memory.ts'
import type { Unreadable } from './detect.ts'
import type { Adoptable } from './eligible.ts'

/**
 * Returns the later checkpoint that is saved and from which the program goes on; `undefined` if there is none. The memory of the
 * folder decides, so this also holds after a restart, and if the later one is no longer in the folder. A checkpoint without a
 * number that cannot be read repeats a numbered one.
 */
export function overtakerOf(each: Adoptable | Unreadable, memory: Memory): string | undefined {
  const { last } = memory
  if (last === undefined) return undefined
  const saved = memory.all.find(({ step, digest }) => step === last.step && digest === last.digest)
  return isEarlier(each, last.step, saved) ? (saved?.name ?? `step ${last.step}`) : undefined
}

function isEarlier(each: Adoptable | Unreadable, lastStep: number, saved: Adopted | undefined): boolean {
  if (each.state === 'unreadable')
    return each.number === undefined ? saved?.isNumbered === true : each.number < lastStep
  const step = each.state === 'complete' ? each.reading.step : each.known.step
  const isLater = step !== undefined && step >= lastStep
  return !isLater && saved?.modifiedAt !== undefined && each.snapshot.modifiedAt <= saved.modifiedAt
}
