import { explainConfig, HoldfastError, stringifyJson } from '@holdfast/core'
import { expandHome } from '@holdfast/core/backend'
import { defineCommand } from '../declare/command.ts'
import { flag, hidden } from '../declare/declaration.ts'
import { type ConfigSources, type ConfigValue, type Origin, valuesInForce } from '../configuration/values.ts'
import { exitCodes } from '../exit-codes.ts'
import type { GlobalOptions } from '../declare/global-options.ts'
import { phraseHint } from '../output/hints.ts'
import { Printer } from '../output/printer.ts'
import { formatTable } from '../output/table.ts'
import { joinObjectives, type KeepOptions, retentionOf, retentionOptions } from '../options/retention.ts'

export const config = defineCommand({
  example: 'holdfast config --keep-last 5',
  arguments: [],
  options: { ...retentionOptions, makeRoom: hidden(flag(retentionOptions.makeRoom.description)) },
  run: async ({ options }) => {
    const { json = false, store, config: file, takeOver, forgetObjective } = options
    if (takeOver !== undefined || forgetObjective !== undefined)
      throw new HoldfastError(
        'INVALID_ARGUMENT',
        '--take-over and --forget-objective change a store, and config opens none. Leave them out.',
      )
    const printer = new Printer(json)
    const explained = await explainConfig(store, {
      config: typeof file === 'string' ? expandHome(file) : file,
    })
    const values = valuesInForce({
      store: explained.store,
      file: explained.file?.config ?? {},
      option: optionsOf(options),
      mirror: options.mirror,
      environment: process.env,
    })
    const path = explained.file?.path
    printer.line(path === undefined ? 'no configuration file is used' : `configuration file: ${path}`)
    if (explained.ignored !== undefined) {
      const { file: ignored, reason } = explained.ignored
      printer.note(
        `${ignored} is not used. ${reason} ${phraseHint({ kind: 'choose-config', file: ignored })}`,
      )
    }
    if (!json) {
      printer.line('')
      printer.lines(
        await formatTable(
          [{ title: 'SETTING' }, { title: 'VALUE' }, { title: 'FROM' }],
          values.map(({ name, value, from }) => [name, textOf(value), fromText(from, path)]),
        ),
      )
    }
    for (const value of values) printer.data({ type: 'setting', ...value })
    printer.data({
      type: 'result',
      command: 'config',
      file: path,
      ignored: explained.ignored,
      url: explained.store?.url,
    })
    return exitCodes.done
  },
})

/** The values that options of the command line set. */
function optionsOf(options: GlobalOptions & KeepOptions): ConfigSources['option'] {
  const { objective, keepBest, job, adapter: adapters, limitUpload, limitDownload, threads } = options
  const objectives = joinObjectives(objective, keepBest)
  return {
    ...retentionOf(options),
    ...(objectives === undefined ? {} : { objectives }),
    ...(adapters === undefined ? {} : { adapters }),
    ...(job === undefined ? {} : { job }),
    ...(limitUpload === undefined ? {} : { limitUpload }),
    ...(limitDownload === undefined ? {} : { limitDownload }),
    ...(threads === undefined ? {} : { threads }),
  }
}

function textOf(value: ConfigValue['value']): string {
  if (value === undefined) return 'none'
  return typeof value === 'string' ? value : stringifyJson(value)
}

function fromText(from: Origin, file: string | undefined): string {
  switch (from.kind) {
    case 'option':
      return 'option'
    case 'environment':
      return from.variable
    case 'file':
      return file ?? 'file'
    case 'default':
      return 'default'
  }
}
