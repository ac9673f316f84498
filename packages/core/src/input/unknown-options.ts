import { HoldfastError } from '../errors.ts'

/** Throws `INVALID_ARGUMENT` if `options` has a field that is not in `known`. A misspelt option must not be ignored. */
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
