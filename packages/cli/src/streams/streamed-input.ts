import { type ExpectedStream, HoldfastError, parseSize } from '@holdfast/core'
import { flag, option, type OptionsOf, text } from '../declare/declaration.ts'
import type { Interruption } from '../signals/interruption.ts'
import { outputOfCommand } from './output-of-command.ts'
import { standardInput } from './standard-input.ts'

/** Options that say where standard input ends. The end of a pipe does not prove that its writer has finished. */
export const streamedInputOptions = {
  size: option('<bytes>', 'standard input must have this size, such as 512MB', parseExactSize),
  sha256: option('<hex>', 'standard input must have this digest', parseDigest),
  fromCommand: flag('save what the command after -- writes to its standard output, if it exits with 0'),
  untilEof: flag('trust the end of standard input, also if the program that writes it was killed'),
}

type StreamedInputOptions = OptionsOf<typeof streamedInputOptions>

/** What to save: files, of which `-` is streamed, and the command that writes the stream. */
export interface SeparatedWords {
  readonly files: readonly string[]
  readonly command: readonly string[] | undefined
}

/**
 * Separates files from the command after `--`. Throws `INVALID_ARGUMENT` for options that contradict each other or do not
 * say where standard input ends.
 */
export function separateWords(
  words: readonly string[],
  trailing: readonly string[],
  options: StreamedInputOptions & { readonly name?: string | undefined },
): SeparatedWords {
  const { size, sha256, fromCommand, untilEof, name } = options
  const isExpected = size !== undefined || sha256 !== undefined
  if (untilEof === true && (isExpected || fromCommand === true))
    throw invalid(
      '--until-eof trusts the end of standard input, and --size, --sha256 and --from-command check it. Pass one or the other.',
    )
  if (fromCommand === true) {
    if (trailing.length === 0)
      throw invalid('Pass the command after --: holdfast save - --step 25 --from-command -- python dump.py')
    const named = words.slice(0, words.length - trailing.length)
    return { files: named.includes('-') ? named : [...named, '-'], command: trailing }
  }
  if (!words.includes('-')) {
    if (isExpected || untilEof === true)
      throw invalid('--size, --sha256 and --until-eof describe standard input. Pass - as a file to save it.')
    if (name !== undefined)
      throw invalid(
        '--name names standard input, and a file keeps its own name. Rename the file, or leave out --name.',
      )
    return { files: words, command: undefined }
  }
  if (!isExpected && untilEof !== true)
    throw invalid(
      'The end of a pipe does not prove that its writer finished. Pass --size or --sha256, run the writer with ' +
        '--from-command -- COMMAND, or accept the risk with --until-eof.',
    )
  return { files: words, command: undefined }
}

/** Starts reading standard input, or returns what the command will write. */
export async function streamedInput(
  command: readonly string[] | undefined,
  { size, sha256 }: StreamedInputOptions,
  interruption: Interruption,
): Promise<ExpectedStream & AsyncDisposable> {
  const mayBeEmpty = size === 0
  const input =
    command === undefined
      ? await standardInput(interruption.signal, { mayBeEmpty })
      : outputOfCommand(command, interruption, mayBeEmpty)
  return { ...input, size, sha256 }
}

function parseExactSize(value: string): number {
  const size = /[a-z]$/i.test(value) ? parseSize(value) : Number(value.trim() === '' ? NaN : value)
  if (Number.isSafeInteger(size) && size >= 0) return size
  throw invalid(`--size must be a whole number of bytes from 0, not ${JSON.stringify(value)}.`)
}

function parseDigest(value: string): string {
  if (/^[0-9a-f]{64}$/i.test(value)) return value.toLowerCase()
  throw invalid(`--sha256 must be 64 hexadecimal digits, not ${JSON.stringify(text(value))}.`)
}

function invalid(message: string): HoldfastError {
  return new HoldfastError('INVALID_ARGUMENT', message)
}
