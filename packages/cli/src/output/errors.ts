import { styleText } from 'node:util'
import type { ExitCode } from '../exit-codes.ts'

export interface ReportedError {
  /** The stable code: one of Holdfast's, `USAGE`, or `UNEXPECTED`. */
  readonly code: string
  readonly message: string
  readonly exitCode: ExitCode
}

/** Says on stderr what failed, as a sentence or as one line of JSON. */
export function reportError({ code, message, exitCode }: ReportedError, json: boolean): void {
  if (json) {
    process.stderr.write(`${JSON.stringify({ type: 'error', code, exitCode, message })}\n`)
    return
  }
  process.stderr.write(`${styleText('red', 'holdfast:', { stream: process.stderr })} ${message}\n`)
}
