import {
  type CheckpointStore,
  type CopyOptions,
  type CopyOutcome,
  type HoldfastError,
  isHoldfastError,
  systemEnvironment,
} from '@holdfast/core'
import { isFinal } from '@holdfast/core/backend'
import type { ExitCode } from '../exit-codes.ts'
import { printAbandoned, printOutcome } from '../output/copied.ts'
import { withHint } from '../output/hints.ts'
import { formatDuration } from '../output/text.ts'
import type { CommandContext } from '../with-store.ts'
import { copyOnce } from './copy-once.ts'

/** So that `--poll 0` does not keep a processor busy, in milliseconds. */
const shortestPoll = 50

/** The shortest and the longest pause after failures, in milliseconds. */
const [shortestPause, longestPause] = [1000, 300_000]

/** The request stays as it is, and so does a damaged catalog, until a person acts. */
function endsCopies(error: HoldfastError): boolean {
  return isFinal(error) || isHoldfastError(error, 'INVALID_ARGUMENT', 'CORRUPT')
}

/** Errors that end `--follow` as long as no copy has succeeded. */
const finalBeforeCopy = ['PERMISSION_DENIED', 'NOT_FOUND'] as const

/**
 * Copies what is missing again and again, and prints what is new. Ends when the signal fires, and with an error after which the
 * copy cannot succeed later.
 */
export async function followSource(
  source: CheckpointStore,
  context: CommandContext,
  request: CopyOptions,
  poll: number,
): Promise<ExitCode> {
  const { printer, signal } = context
  const printed = new Set<string>()
  const printNew = (outcome: CopyOutcome): void => {
    const failure = outcome.kind === 'failed' ? `${outcome.step} ${outcome.error.message}` : undefined
    if (failure !== undefined && printed.has(failure)) return
    if (failure !== undefined) printed.add(failure)
    if (outcome.kind === 'copied' || outcome.kind === 'updated' || failure !== undefined)
      printOutcome(printer, outcome, false)
  }
  const again = { ...request, retryCorruptAfter: longestPause }
  let isAwaited = false
  let hasCopied = false
  for (let pause = poll; ; ) {
    try {
      printAbandoned(printer, await copyOnce(source, context, again, printNew), false)
      await context.store.flush()
      hasCopied = true
      pause = poll
    } catch (error) {
      if (!isHoldfastError(error) || endsCopies(error)) throw error
      const isAbsent = error.hint?.kind === 'check-location'
      // After a copy, credentials have expired. Before one, they or the name of the bucket are wrong.
      if (!hasCopied && !isAbsent && isHoldfastError(error, ...finalBeforeCopy)) throw error
      if (!isAbsent) {
        pause = Math.min(longestPause, Math.max(shortestPause, pause * 2))
        printer.note(`${withHint(error)} The copy continues in ${formatDuration(pause)}.`)
      } else {
        pause = poll
        if (!isAwaited)
          printer.note(
            `There is no checkpoint in ${source.url} yet. The copy begins with the first one. Check the path or URL if you expected one.`,
          )
        isAwaited = true
      }
    }
    await systemEnvironment.pause(Math.max(pause, shortestPoll), signal)
  }
}
