import { HoldfastError } from '../../errors.ts'

/** Throws `INVALID_ARGUMENT` if a file does not have the digest that its caller expects. */
export function refuseOtherDigest(name: string, found: string, expected: string | undefined): void {
  if (expected === undefined || found === expected) return
  throw new HoldfastError(
    'INVALID_ARGUMENT',
    `The file ${JSON.stringify(name)} has the SHA-256 ${found}, but ${expected} was expected. Nothing was saved. ` +
      'Check the program that writes it.',
  )
}
