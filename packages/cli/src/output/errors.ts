import { styleText } from 'node:util'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { visible, visibleJson, visibleLines } from './visible.ts'

export interface ReportedError {
  /** Stable code: an error code of Holdfast, `USAGE`, or `UNEXPECTED`. */
  readonly code: string
  readonly message: string
  readonly exitCode: ExitCode
}

/** Returns what the parser of the command line reports, without its own prefix, and says where a URL belongs. */
export function usageMessage(text: string): string {
  const message = text.replace(/^error: /, '').trimEnd()
  return /^too many arguments .*:\/\//.test(message) ? `${message}\n(Name the store with --store.)` : message
}

/** Reports a wrong command line as a sentence on stderr. */
export function reportUsageError(text: string): void {
  reportError({ code: 'USAGE', message: usageMessage(text), exitCode: exitCodes.usage }, false)
}

/** Reports an error on stderr, as a sentence or as one line of JSON. */
export function reportError({ code, message, exitCode }: ReportedError, json: boolean): void {
  if (json) {
    process.stderr.write(`${visibleJson(JSON.stringify({ type: 'error', code, exitCode, message }))}\n`)
    return
  }
  // Only an unexpected error has a stack trace, and only a wrong command line a second line with a suggestion.
  const shown = ['UNEXPECTED', 'USAGE'].includes(code) ? visibleLines(message) : visible(message)
  process.stderr.write(`${styleText('red', 'holdfast:', { stream: process.stderr })} ${shown}\n`)
}
