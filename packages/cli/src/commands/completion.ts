import { InvalidArgumentError } from 'commander'
import { defineCommand } from '../declare/command.ts'
import { bashScript } from '../completion/bash.ts'
import { completed, completedOptions } from '../completion/described.ts'
import { fishScript } from '../completion/fish.ts'
import { zshScript } from '../completion/zsh.ts'
import { argument } from '../declare/declaration.ts'
import { exitCodes } from '../exit-codes.ts'
import { globalOptions } from '../declare/global-options.ts'
import { Printer } from '../output/printer.ts'

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript } as const

type Shell = keyof typeof scripts

export const completion = defineCommand({
  example: 'source <(holdfast completion bash)',
  arguments: [argument('<shell>', 'bash, zsh or fish', parseShell)],
  options: {},
  run: async ({ arguments: [shell], options, describeCommands }) => {
    const commands = (await describeCommands()).map(completed)
    const script = scripts[shell](commands, [
      ...completedOptions(globalOptions),
      { name: '--help', short: '-h', description: 'display help for command', value: undefined },
    ])
    const printer = new Printer(options.json ?? false)
    printer.lines(script.trimEnd())
    printer.data({ type: 'result', command: 'completion', shell, script })
    return exitCodes.done
  },
})

function parseShell(text: string): Shell {
  if (text === 'bash' || text === 'zsh' || text === 'fish') return text
  throw new InvalidArgumentError('Choose bash, zsh or fish.')
}
