import { HoldfastError } from '@holdfast/core/backend'
import type { Case, Subject } from './subject.ts'

/** Proves one sentence on a place of its own, or that the server has the gap which it is said to have. */
export async function runCase(each: Case, subject: Subject): Promise<void> {
  if (subject.unsteady?.[each.name] !== undefined) return
  const gap = subject.gaps?.[each.name]
  if (gap === undefined) {
    await proveOnce(each, subject)
    return
  }
  if (await fails(() => proveOnce(each, subject))) return
  throw new HoldfastError(
    'INVALID_ARGUMENT',
    `"${each.name}" holds, although it is among the gaps of the server (${gap}). Take it from the list.`,
  )
}

/** The name of a case, and the gap of the server when it has one. */
export function titleOf({ name }: Case, { gaps = {}, unsteady = {} }: Subject): string {
  const gap = gaps[name]
  const fault = unsteady[name]
  if (fault !== undefined) return `${name} (not run, for a fault of the server: ${fault})`
  return gap === undefined ? name : `${name} (gap of the server: ${gap})`
}

/** Throws `INVALID_ARGUMENT` for a gap that names no case: it was misspelt, or the case has another name by now. */
export function refuseUnknownGaps({ gaps = {}, unsteady = {} }: Subject, cases: readonly Case[]): void {
  const names = cases.map(({ name }) => name)
  const unknown = Object.keys({ ...gaps, ...unsteady }).filter((gap) => !names.includes(gap))
  if (unknown.length === 0) return
  throw new HoldfastError(
    'INVALID_ARGUMENT',
    `The suite has no case that is called ${unknown.map((gap) => JSON.stringify(gap)).join(' or ')}.`,
  )
}

async function proveOnce(each: Case, subject: Subject): Promise<void> {
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
