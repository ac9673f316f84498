import { HoldfastError } from '@holdfast/core/backend'
import type { Case, Subject } from './subject.ts'

/**
 * Runs a case on an empty place. If the case is among the gaps of the subject, rejects unless the case fails. Does
 * nothing if the case is among `unsteady`.
 */
export async function runCase(each: Case, subject: Subject): Promise<void> {
  if (subject.unsteady?.[each.name] !== undefined) return
  const gap = subject.gaps?.[each.name]
  if (gap === undefined) {
    await runOnce(each, subject)
    return
  }
  if (await fails(() => runOnce(each, subject))) return
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

async function runOnce(each: Case, subject: Subject): Promise<void> {
  const backend = await subject.open()
  try {
    await each.run(backend, subject)
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
