import type { HoldfastError } from '@holdfast/core'
import type { Survey } from './detect.ts'
import type { Failing } from './outcomes.ts'

/** The longest time in milliseconds until the next try. Every scan tries to read every checkpoint. */
const retryIn = 60_000

/** Returns the checkpoints that cannot be read, as failures of their saves. `saved` are the names that were saved since. */
export function unreadableIn(found: Survey, saved: readonly string[] = []): readonly Failing[] {
  return found.unreadable.map(({ candidate, number = Infinity, error }) => {
    const later = found.inspections.find((each) => {
      if (each.state === 'adopted') return each.known.step > number
      return (
        each.state === 'complete' && saved.includes(each.candidate.name) && (each.reading.step ?? 0) > number
      )
    })
    return { name: candidate.name, error, retryIn, overtakenBy: later?.candidate.name }
  })
}

/** Returns the error of a checkpoint that can perhaps be read later. */
export function temporaryErrorIn({ unreadable }: Survey): HoldfastError | undefined {
  return unreadable.map(({ error }) => error).find(({ retryable }) => retryable)
}
