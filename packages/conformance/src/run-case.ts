import { HoldfastError } from '@holdfast/core/backend'
import type { Case, Subject } from './subject.ts'

/**
 * Runs a case on an empty place. Returns why it did not run: the case is among `unsteady`, or does not apply to the backend. If
 * the case is among the gaps of the subject, rejects unless the case fails.
 */
export async function runCase(each: Case, subject: Subject): Promise<string | undefined> {
  const unsteady = subject.unsteady?.[each.name]
  if (unsteady !== undefined) return unsteady
  const gap = subject.gaps?.[each.name]
  if (gap === undefined) return runOnce(each, subject)
  let reason: string | undefined
  if (
    await fails(async () => {
      reason = await runOnce(each, subject)
    })
  )
    return undefined
  if (reason !== undefined) return reason
  throw new HoldfastError(
    'INVALID_ARGUMENT',
    `"${each.name}" passes, but it is listed in gaps (${gap}). Remove it from gaps.`,
  )
}

/** Returns the title of the test of a case: its name, and its reason in `gaps` or `unsteady`. */
export function titleOf({ name }: Case, { gaps = {}, unsteady = {} }: Subject): string {
  const gap = gaps[name]
  const reason = unsteady[name]
  if (reason !== undefined) return `${name} (not run, because the server is unreliable: ${reason})`
  return gap === undefined ? name : `${name} (expected to fail on this server: ${gap})`
}

/** Throws `INVALID_ARGUMENT` if `gaps` or `unsteady` contains a name that no case has, such as a misspelt one. */
export function refuseUnknownGaps({ gaps = {}, unsteady = {} }: Subject, cases: readonly Case[]): void {
  const names = cases.map(({ name }) => name)
  const unknown = Object.keys({ ...gaps, ...unsteady }).filter((gap) => !names.includes(gap))
  if (unknown.length === 0) return
  throw new HoldfastError(
    'INVALID_ARGUMENT',
    `gaps and unsteady must contain names of cases. The suite has no case named ${unknown.map((gap) => JSON.stringify(gap)).join(' or ')}.`,
  )
}

async function runOnce(each: Case, subject: Subject): Promise<string | undefined> {
  const backend = await subject.open()
  try {
    const reason = each.notApplicable?.(backend.capabilities)
    if (reason === undefined) await each.run(backend, subject)
    return reason
  } finally {
    await backend.close()
  }
}

async function fails(call: () => Promise<void>): Promise<boolean> {
  try {
    await call()
    return false
  } catch {
    return true
  }
}
