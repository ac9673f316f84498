import { styleText } from 'node:util'
import type { ExitCode } from '../exit-codes.ts'
import { visible, visibleJson, visibleLines } from './visible.ts'

export interface ReportedError {
  /** Stable code: an error code of Holdfast, `USAGE`, or `UNEXPECTED`. */
  readonly code: string
  readonly message: string
  readonly exitCode: ExitCode
}

/** Reports an error on stderr, as a sentence or as one line of JSON. */
export function reportError({ code, message, exitCode }: ReportedError, json: boolean): void {
  if (json) {
    process.stderr.write(`${visibleJson(JSON.stringify({ type: 'error', code, exitCode, message }))}\n`)
    return
  }
  // Only an unexpected error has a stack trace.
  const shown = code === 'UNEXPECTED' ? visibleLines(message) : visible(message)
  process.stderr.write(`${styleText('red', 'holdfast:', { stream: process.stderr })} ${shown}\n`)
}
