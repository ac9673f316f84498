import type { Announcements } from './announcements.ts'
import type { Survey } from './detect.ts'
import type { Inspection } from './inspect.ts'
import { inOrder, type TrainersOrder } from './order.ts'

export type Adoptable = Extract<Inspection, { readonly state: 'complete' | 'adopted' }>

/** Returns complete checkpoints in the order of the trainer, without those that repeat a numbered one. */
export function eligible(
  { inspections }: Survey,
  order: TrainersOrder,
  announcements: Announcements,
): readonly Adoptable[] {
  const adoptable = inspections.filter((each) => each.state === 'complete' || each.state === 'adopted')
  const hasNumbers = adoptable.some(isNumbered)
  const kept = adoptable.filter((each) => {
    if (!hasNumbers || isNumbered(each)) return true
    const reason = 'its name has no number, and those of others have one: it repeats one of them'
    announcements.announceOnce({ type: 'passedOver', name: each.candidate.name, reason })
    return false
  })
  return inOrder(kept, order)
}

function isNumbered(each: Adoptable): boolean {
  return each.state === 'adopted' ? each.known.isNumbered : each.reading.step !== undefined
}
