import { expect, expectTypeOf, onTestFinished, test } from 'vitest'
import { defineCommand } from '../src/declare/command.ts'
import {
  argument,
  flag,
  gather,
  negatableOption,
  option,
  requiredOption,
  text,
} from '../src/declare/declaration.ts'
import { parseStep } from '../src/parsing/arguments.ts'
import { Interruption } from '../src/signals/interruption.ts'
import type { GlobalOptions } from '../src/declare/global-options.ts'

const options = {
  step: requiredOption('<n>', 'a step', parseStep),
  epoch: option('<n>', 'an epoch', parseStep),
  replace: flag('replace'),
  config: negatableOption('<file>', 'a file', 'none', text),
}

test('a command receives the types of its declarations', async () => {
  const command = defineCommand({
    example: 'holdfast try file --step 1',
    arguments: [argument('<file...>', 'files', gather), argument('<name>', 'a name', text)],
    options,
    run: async ({ arguments: [files, name], options: given }) => {
      expectTypeOf(files).toEqualTypeOf<readonly string[]>()
      expectTypeOf(name).toEqualTypeOf<string>()
      expectTypeOf(given.step).toEqualTypeOf<number>()
      expectTypeOf(given.epoch).toEqualTypeOf<number | undefined>()
      expectTypeOf(given.replace).toEqualTypeOf<true | undefined>()
      expectTypeOf(given.config).toEqualTypeOf<string | false | undefined>()
      expectTypeOf(given.json).toEqualTypeOf<true | undefined>()
      return 0
    },
  })
  const interruption = new Interruption()
  onTestFinished(() => {
    interruption.close()
  })
  const environment = {
    interruption,
    version: '1.0.0',
    trailing: [],
    describeCommands: () => Promise.resolve([]),
    signal: interruption.signal,
    ownSignals: () => undefined,
  }
  const words = { arguments: [['a'], 'b'], options: { step: 1 }, ...environment }
  expect(await command.run(words)).toBe(0)
})

test('an action that expects an option without a declaration does not compile', () => {
  interface SaveOptions extends GlobalOptions {
    readonly step: number
    readonly nonsense: Date
  }
  const run = async ({ options: { nonsense } }: { readonly options: SaveOptions }): Promise<0> =>
    nonsense.getTime() === 0 ? 0 : 0
  // @ts-expect-error -- no declaration gives `nonsense`
  expect(defineCommand({ example: 'holdfast try', arguments: [], options, run }).options).toBe(options)
})
