import type { RunChange } from '../source.ts'

/** Characters of the reason of a pin. */
const mostCharacters = 1000

/** Parses what a page sends to plan or to make a change; `undefined` if it is not one. */
export function parseChange(
  body: string,
): { readonly change: RunChange; readonly confirmed: string | undefined } | undefined {
  const members = objectIn(body)
  if (members === undefined) return undefined
  const { kind, step, reason, confirmed } = members
  const change = changeOf(kind, step, reason)
  if (change === undefined || (confirmed !== undefined && typeof confirmed !== 'string')) return undefined
  return { change, confirmed }
}

function changeOf(kind: unknown, step: unknown, reason: unknown): RunChange | undefined {
  if (kind === 'prune') return step === undefined ? { kind } : undefined
  if (typeof step !== 'number' || !Number.isSafeInteger(step) || step < 0) return undefined
  if (kind === 'unpin' || kind === 'rewind') return { kind, step }
  if (kind !== 'pin') return undefined
  if (reason === undefined) return { kind, step }
  return typeof reason === 'string' && reason.length <= mostCharacters ? { kind, step, reason } : undefined
}

function objectIn(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
