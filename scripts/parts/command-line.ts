import { readFileSync } from 'node:fs'
import { parseArgs, type ParseArgsConfig } from 'node:util'

/** A command line that a program cannot use. The message names the option or the argument. */
export class UsageError extends Error {}

type ParsedWords<Config extends ParseArgsConfig> = ReturnType<typeof parseArgs<Config>>

/**
 * Parses the command line of a program, and returns what `interpret` returns for it. `--help` prints the comment at the top of
 * the program, and ends the process with 0. An unknown option or a `UsageError` prints one line, and ends it with 2.
 */
export function readCommandLine<const Config extends ParseArgsConfig, Result>(
  program: string,
  config: Config,
  interpret: (words: ParsedWords<Config>) => Result,
): Result {
  if (process.argv.slice(2).includes('--help')) {
    process.stdout.write(`${commentOf(program)}\n`)
    process.exit(0)
  }
  try {
    return interpret(parseArgs(config))
  } catch (error) {
    if (!isUsageError(error)) throw error
    refuse(error.message)
  }
}

/** For a program that takes no options. */
export function expectNoOptions(program: string): void {
  readCommandLine(program, {}, () => undefined)
}

/** Returns the argument of a program that takes one argument and no options. */
export function readArgument(program: string, name: string): string | undefined {
  return readCommandLine(program, { allowPositionals: true }, ({ positionals: [argument, ...more] }) => {
    if (more.length > 0) throw new UsageError(`Pass only one ${name}, without ${more.join(' ')}.`)
    return argument
  })
}

/** Like `readArgument`, for an argument without a default. */
export function readRequiredArgument(program: string, name: string): string {
  return readArgument(program, name) ?? refuse(`${name} is missing.`)
}

/** Returns the number that an option states. Throws `UsageError` unless it is an integer from `least`. */
export function wholeNumber(option: string, text: string, least = 1): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value
  const expected = least === 1 ? 'a positive integer' : `an integer from ${least}`
  throw new UsageError(`${option} must be ${expected}, not ${JSON.stringify(text)}.`)
}

/** Returns the number that an option states. Throws `UsageError` unless it is greater than 0. */
export function positiveNumber(option: string, text: string): number {
  const value = Number(text)
  if (/^\d+(\.\d+)?$/.test(text) && value > 0) return value
  throw new UsageError(`${option} must be a positive number, not ${JSON.stringify(text)}.`)
}

function refuse(message: string): never {
  process.stderr.write(`${message.replaceAll('\n', ' ')} (--help shows the usage.)\n`)
  process.exit(2)
}

/** `parseArgs` throws errors with these codes: https://nodejs.org/api/errors.html. */
function isUsageError(error: unknown): error is Error {
  if (error instanceof UsageError) return true
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS_')
}

/** Returns the text of the first doc comment of a file. */
function commentOf(file: string): string {
  const [, comment = ''] = /\/\*\*(.*?)\*\//s.exec(readFileSync(file, 'utf8')) ?? []
  return comment.replaceAll(/^ \* ?/gm, '').trim()
}
