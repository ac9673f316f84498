import { readFile } from 'node:fs/promises'
import { toJsonSchema } from '@valibot/to-json-schema'
import { Ajv } from 'ajv'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { configSchema, parseConfig } from '../../src/config/schema.ts'
import { objectiveKinds, objectiveSchema } from '../../src/metrics/index.ts'

const options = { typeMode: 'input', errorMode: 'ignore' } as const

/** The JSON Schema of a configuration file. Adapter objects are not JSON, so only names of packages are. */
function generated(): object {
  const { $schema: _, ...objective } = toJsonSchema(v.union([...objectiveKinds]), options)
  const { $schema: __, ...body } = toJsonSchema(configSchema, {
    ...options,
    overrideSchema: ({ valibotSchema }) => {
      if (valibotSchema === objectiveSchema) return objective
      return valibotSchema.type === 'custom' ? { not: {} } : undefined
    },
  })
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'holdfast.config.json',
    description: 'See docs/configuration.md.',
    ...body,
  }
}

const file = new URL('../../schema/config.schema.json', import.meta.url)

test('is described by the JSON Schema in the repository', async () => {
  await expect(`${JSON.stringify(generated(), null, 2)}\n`).toMatchFileSnapshot(
    '../../schema/config.schema.json',
  )
})

describe('the JSON Schema of a configuration file', () => {
  const objectives = {
    loss: { metric: 'val_loss', direction: 'min', smoothing: { average: 3 }, minDelta: { relative: 0.01 } },
    pck: { metric: 'pck', direction: 'max' },
    both: { weights: { loss: 1, pck: 2 }, normalisation: { ranges: { loss: [0, 1], pck: [0, 1] } } },
    front: { pareto: ['loss', 'pck'] },
  }
  test.each<[boolean, string, object]>([
    [true, 'nothing', {}],
    [true, '$schema', { $schema: './node_modules/@holdfast/core/schema/config.schema.json', store: './a' }],
    [true, 'objectives of every kind', { objectives }],
    [
      true,
      'retention',
      { retention: { keepLast: 3, keepWithin: '2 d', keepBest: { loss: 1 }, maxBytes: '2 GB' } },
    ],
    [
      true,
      'limits',
      { space: { warnBelow: '5%' }, background: { limit: 2, atLimit: 'skip' }, gracePeriod: 0 },
    ],
    [
      true,
      'durations with units',
      { gracePeriod: '2 d', mirror: { store: './b', flushLimit: '1 h' }, retention: { grace: 1000 } },
    ],
    [false, 'a negative duration', { gracePeriod: -1 }],
    [true, 'an adapter and its options', { adapters: ['@me/adapter'], backend: { region: 'eu-west-1' } }],
    [false, 'a misspelt field', { stor: './a' }],
    [false, 'a misspelt option of the retention', { retention: { keeplast: 3 } }],
    [false, 'a number as a store', { store: 5 }],
    [false, 'a direction that does not exist', { objectives: { loss: { metric: 'a', direction: 'up' } } }],
    [false, 'an empty name of an adapter', { adapters: [''] }],
    [false, 'a limit of 0', { background: { limit: 0 } }],
    [false, 'a list', []],
  ])('returns %s for %s, as the parser does', async (isValid, _, config) => {
    const schema = JSON.parse(await readFile(file, 'utf8')) as object
    const validate = new Ajv({ strict: false }).compile(schema)
    expect(validate(config), JSON.stringify(validate.errors)).toBe(isValid)
    if (isValid) expect(parseConfig(config, 'f')).toEqual(withoutSchema(config))
    else expect(() => parseConfig(config, 'f')).toThrow('f: ')
  })
})

function withoutSchema(config: object): object {
  const { $schema: _, ...others } = config as Readonly<Record<string, unknown>>
  return others
}
