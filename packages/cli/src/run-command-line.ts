import { CommanderError } from 'commander'
import { commands } from './command-list.ts'
import { type ExitCode, exitCodeOf, exitCodes } from './exit-codes.ts'
import type { ReleaseWarnings } from './signals/early-signals.ts'
import { Interruption } from './signals/interruption.ts'
import { reportError, usageMessage } from './output/errors.ts'
import { withHint } from './output/hints.ts'
import { parserOf } from './parser.ts'

/** What the start of the process has for the command line. */
interface ProcessStart {
  readonly version: string
  readonly releaseWarnings?: ReleaseWarnings
}

/** Runs one command line and returns the exit code. Reports every error on stderr. */
export async function runCommandLine(
  argv: readonly string[],
  { version, releaseWarnings }: ProcessStart,
): Promise<number> {
  const interruption = new Interruption(releaseWarnings)
  const json = asksForJson(argv)
  const [, , first = ''] = argv
  let outcome: number = exitCodes.done
  let whenStopped: string | undefined
  const parser = parserOf(
    argv.slice(2),
    { version, interruption, trailing: afterDashes(argv) },
    {
      isJson: json,
      onBegin: (command, options) => {
        whenStopped = command.whenStopped?.(options)
      },
      onEnd: (code) => {
        outcome = code
      },
    },
  )
  try {
    await parser.parseAsync(isUnknownCommand(first) ? argv.slice(0, 3) : argv)
    return outcome
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.done
    if (error instanceof CommanderError) {
      if (json) reportError({ code: 'USAGE', message: usageOf(error), exitCode: exitCodes.usage }, json)
      return exitCodes.usage
    }
    return await fail(error, json, interruption, whenStopped)
  } finally {
    interruption.close()
  }
}

/** Words after `--` are not options. */
function asksForJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  return argv.slice(0, end === -1 ? argv.length : end).includes('--json')
}

/** The parser would print the general help for an unknown command with --help. Alone, it is rejected. */
function isUnknownCommand(word: string): boolean {
  return /^[a-z]/.test(word) && word !== 'help' && !Object.hasOwn(commands, word)
}

function afterDashes(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf('--')
  return end === -1 ? [] : argv.slice(end + 1)
}

/** Without a command, the parser prints the help instead of an error. */
function usageOf({ code, message }: CommanderError): string {
  return code === 'commander.help'
    ? 'A command is required. holdfast --help lists them.'
    : usageMessage(message)
}

async function fail(
  error: unknown,
  json: boolean,
  interruption: Interruption,
  whenStopped = 'Run the command again.',
): Promise<ExitCode> {
  const { isHoldfastError } = await import('@holdfast/core')
  if (isGoneFolder(error)) {
    const message =
      'The working folder no longer exists. Change to another folder (cd), or pass absolute paths.'
    reportError({ code: 'CONFIG', message, exitCode: exitCodes.usage }, json)
    return exitCodes.usage
  }
  if (!isHoldfastError(error)) {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
    reportError({ code: 'UNEXPECTED', message, exitCode: exitCodes.failed }, json)
    return exitCodes.failed
  }
  const exitCode = error.code === 'ABORTED' ? interruption.exitCode : exitCodeOf(error.code)
  // The user knows who stopped the command, and need not know which request was under way.
  const { signal } = interruption
  const isAsked = error.code === 'ABORTED' && signal.aborted && error.cause === signal.reason
  const message = isAsked ? `Stopped. ${whenStopped}` : withHint(error)
  reportError({ code: error.code, message, exitCode }, json)
  return exitCode
}

/** Returns whether the error is that of a relative path in a working folder that was deleted. */
function isGoneFolder(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && error.syscall === 'uv_cwd'
}
