import type { ArgumentDeclarations, ArgumentsOf, OptionDeclarations, OptionsOf } from './declaration.ts'
import type { CommandExitCode } from '../exit-codes.ts'
import type { GlobalOptions } from './global-options.ts'
import type { Interruption } from '../signals/interruption.ts'

/** A command as its declaration describes it. */
export interface DescribedCommand {
  readonly name: string
  readonly summary: string
  readonly arguments: ArgumentDeclarations
  readonly options: OptionDeclarations
}

/** What a command receives besides its parsed words. */
export interface CommandEnvironment {
  /** The version of this package. */
  readonly version: string
  readonly interruption: Interruption
  /** The words after `--`. They are also the last words of the arguments. */
  readonly trailing: readonly string[]
  /** Loads the declarations of all commands. */
  readonly describeCommands: () => Promise<readonly DescribedCommand[]>
}

/** What a command receives. Its types follow from the declarations. */
export interface Invocation<Arguments extends ArgumentDeclarations, Options extends OptionDeclarations>
  extends CommandEnvironment {
  readonly arguments: ArgumentsOf<Arguments>
  readonly options: OptionsOf<Options> & GlobalOptions
  readonly signal: AbortSignal
  /** Stops the handling of signals. From then on the command handles them. */
  readonly ownSignals: () => void
}

/** The values of one command line, parsed by the declarations of the command. */
export interface ParsedWords extends CommandEnvironment {
  readonly arguments: readonly unknown[]
  readonly options: Readonly<Record<string, unknown>>
  readonly signal: AbortSignal
  readonly ownSignals: () => void
}

/** A command whose types are erased, so that all commands fit into one list. */
export interface Command {
  readonly example: string
  readonly whenStopped?: ((options: ParsedWords['options']) => string) | undefined
  readonly arguments: ArgumentDeclarations
  readonly options: OptionDeclarations
  readonly run: (words: ParsedWords) => Promise<CommandExitCode>
}

/**
 * Defines a command by its arguments, its options and its action. `example` must work as it stands. `whenStopped` is
 * printed after "Stopped." if a signal stops the command. `run` receives what the declarations parsed, and its parameter is typed by them.
 */
export function defineCommand<
  const Arguments extends ArgumentDeclarations,
  const Options extends OptionDeclarations,
>(definition: {
  readonly example: string
  readonly whenStopped?: string | ((options: OptionsOf<Options> & GlobalOptions) => string)
  readonly arguments: Arguments
  readonly options: Options
  readonly run: (invocation: Invocation<Arguments, Options>) => Promise<CommandExitCode>
}): Command {
  const { whenStopped } = definition
  // The parsers of the declarations made these values, so the values have the declared types.
  return {
    ...definition,
    whenStopped:
      typeof whenStopped === 'string'
        ? () => whenStopped
        : whenStopped && ((options) => whenStopped(options as OptionsOf<Options> & GlobalOptions)),
    run: (words) => definition.run(words as Invocation<Arguments, Options>),
  }
}
