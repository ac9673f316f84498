import { HoldfastError } from './errors.ts'

/**
 * Throws `INVALID_ARGUMENT` when `options` has a field that is not among `known`: a misspelt option must not
 * pass for one that was honoured.
 */
export function refuseUnknownOptions(
  options: object | undefined,
  known: readonly string[],
  what: string,
  url?: string,
): void {
  for (const name of Object.keys(options ?? {})) {
    if (known.includes(name)) continue
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `${what} has no option ${JSON.stringify(name)}. Known: ${known.join(', ') || 'none'}.`,
      { url },
    )
  }
}
