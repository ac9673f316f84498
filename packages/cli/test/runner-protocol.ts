/** One command line. */
export interface Request {
  readonly folder: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly words: readonly string[]
}

/** Follows the output of a command line. */
export const endOfOutput = '\0end of output\0'
