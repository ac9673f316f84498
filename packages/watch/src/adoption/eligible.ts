import type { Memory } from '../memory/memory.ts'
import type { Announcements } from './announcements.ts'
import type { Survey } from './detect.ts'
import type { Inspection } from './inspect.ts'
import { inOrder, type TrainersOrder } from './order.ts'

export type Complete = Extract<Inspection, { readonly state: 'complete' }>

export type Adoptable = Complete | Extract<Inspection, { readonly state: 'adopted' }>

/**
 * Returns complete checkpoints in the order of the trainer, without those that repeat a numbered one. Numbered ones that were
 * adopted before count also if they are deleted: a file that is left alone still repeats one of them.
 */
export function eligible(
  { inspections }: Survey,
  memory: Memory,
  order: TrainersOrder,
  announcements: Announcements,
): readonly Adoptable[] {
  const adoptable = inspections.filter((each) => each.state === 'complete' || each.state === 'adopted')
  const hasNumbers = adoptable.some(isNumbered) || memory.all.some((adopted) => adopted.isNumbered)
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
