import { type Command as CommanderCommand, Option } from 'commander'
import type { Command, CommandEnvironment, ParsedWords } from './command.ts'
import type { OptionDeclaration, OptionDeclarations } from './declaration.ts'
import { numberOf } from '../exit-codes.ts'

/** Is called when the command of a command line begins and when it has ended. */
export interface CommandProgress {
  readonly onBegin: (command: Command, options: ParsedWords['options']) => void
  readonly onEnd: (exitCode: number) => void
}

/** Adds the arguments, options, example and action of a command to a command of the parser. */
export function declareCommand(
  target: CommanderCommand,
  command: Command,
  { interruption, ...environment }: CommandEnvironment,
  { onBegin, onEnd }: CommandProgress,
): void {
  for (const declaration of command.arguments) {
    const { syntax, description, initial } = declaration
    const parse = (text: string, before: unknown): unknown => declaration.parse(text, before)
    target.argument(syntax, description, parse, initial)
  }
  declareOptions(target, command.options)
  target.addHelpText('after', `\nExample:\n  $ ${command.example}`)
  target.action(async () => {
    refuseMissing(target, command.options)
    const options = target.optsWithGlobals<Readonly<Record<string, unknown>>>()
    const { signal } = interruption
    const ownSignals = (): void => {
      interruption.close()
    }
    const words = { arguments: target.processedArgs, options, signal, ownSignals, interruption }
    onBegin(command, options)
    onEnd(numberOf(await command.run({ ...words, ...environment })))
  })
}

export function declareOptions(target: CommanderCommand, options: OptionDeclarations): void {
  for (const [name, declaration] of Object.entries(options)) {
    target.addOption(optionOf(name, declaration))
    const { negation } = declaration
    if (negation !== undefined) target.addOption(new Option(`--no-${dashed(name)}`, negation))
  }
}

function optionOf(name: string, declaration: OptionDeclaration<unknown>): Option {
  const { short, placeholder, description, isRequired, isHidden, initial } = declaration
  const names = short === undefined ? `--${dashed(name)}` : `-${short}, --${dashed(name)}`
  const option = new Option(
    placeholder === undefined ? names : `${names} ${placeholder}`,
    isRequired === true ? `${description} (required)` : description,
  )
  if (declaration.parse !== undefined)
    option.argParser<unknown>((text, before) => declaration.parse?.(text, before))
  if (initial !== undefined) option.default(initial)
  return option.hideHelp(isHidden === true)
}

/** Returns the name of an option on the command line, such as `keep-last` for `keepLast`. */
export function dashed(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** The parser's own check would report a missing option before a misspelt one. */
function refuseMissing(target: CommanderCommand, options: OptionDeclarations): void {
  for (const [name, { isRequired }] of Object.entries(options)) {
    if (isRequired === true && target.getOptionValue(name) === undefined)
      target.error(`error: the option --${dashed(name)} is required`)
  }
}
