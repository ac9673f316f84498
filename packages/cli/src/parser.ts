import { Command as CommanderCommand } from 'commander'
import { commands, describeCommands, possibleCommands } from './command-list.ts'
import type { CommandEnvironment } from './declare/command.ts'
import { type CommandProgress, declareCommand, declareOptions } from './declare/to-commander.ts'
import { exitCodesHelp } from './exit-codes.ts'
import { globalOptions } from './declare/global-options.ts'
import { ownMember } from './own-member.ts'
import { reportUsageError } from './output/errors.ts'

/** Returns the parser of a command line with these words. With `isJson` it prints no sentence about a wrong command line. */
export function parserOf(
  words: readonly string[],
  environment: Omit<CommandEnvironment, 'describeCommands'>,
  { isJson, ...progress }: { readonly isJson: boolean } & CommandProgress,
): CommanderCommand {
  const parser = new CommanderCommand('holdfast')
    .description(
      'Keeps checkpoints of long jobs. Saves each one completely or not at all, and verifies every read.',
    )
    .version(environment.version, '-V, --version', 'print the version')
  declareOptions(parser, globalOptions)
  parser
    .addHelpText('after', `\n${exitCodesHelp}`)
    .showHelpAfterError(helpOf(words))
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      outputError: (text) => {
        if (!isJson) reportUsageError(text)
      },
      writeErr: (text) => {
        if (!isJson) process.stderr.write(text)
      },
    })
    .exitOverride()
    .helpCommand(false)
  const declare = async (chosen: CommanderCommand): Promise<void> => {
    const listed = ownMember(commands, chosen.name())
    if (listed === undefined) return
    chosen.showHelpAfterError(`(Run holdfast ${chosen.name()} --help for its options.)`)
    declareCommand(chosen, await listed.load(), { ...environment, describeCommands }, progress)
  }
  parser.hook('preSubcommand', (_, chosen) => declare(chosen))
  for (const [name, { summary }] of possibleCommands(words[0])) parser.command(name).description(summary)
  parser
    .command('help')
    .description('Print the help of a command.')
    .argument('[command]')
    .action(async (name: string | undefined) => {
      if (name === undefined) return parser.help()
      const chosen = parser.commands.find((each) => each.name() === name)
      if (chosen === undefined) {
        // The parser rejects the name, and suggests the nearest one.
        await parser.parseAsync([name], { from: 'user' })
        return
      }
      await declare(chosen)
      return chosen.help()
    })
  return parser
}

/** Returns which help to read if no command was reached. An option before a command may be one of that command. */
function helpOf([first = '', ...others]: readonly string[]): string {
  const name = first.startsWith('-') ? others.find((word) => Object.hasOwn(commands, word)) : undefined
  return name === undefined
    ? '(Run holdfast --help for commands and options.)'
    : `(Write the options of ${name} after ${name}. Run holdfast ${name} --help for its options.)`
}
