import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { toJsonSchema } from '@valibot/to-json-schema'
import { Ajv } from 'ajv'
import { describe, expect, test } from 'vitest'
import { MemoryBackend } from '../../src/index.ts'
import {
  agreementSchema,
  catalogSchema,
  manifestSchema,
  markerSchema,
  pageSchema,
  rewindSchema,
} from '../../src/catalog/documents/index.ts'
import { foldingEarly, keysOf, storeOn } from '../stores.ts'

const schemas = {
  catalog: catalogSchema,
  page: pageSchema,
  manifest: manifestSchema,
  marker: markerSchema,
  rewind: rewindSchema,
  agreement: agreementSchema,
}

/** The whole document: the body with the digest of its bytes. */
function documentSchema(kind: keyof typeof schemas): object {
  const { $schema: _, ...body } = toJsonSchema(schemas[kind], {
    typeMode: 'input',
    errorMode: 'ignore',
    overrideSchema: ({ valibotSchema }) =>
      valibotSchema.type === 'bigint' ? { type: 'integer' } : undefined,
  })
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: `Holdfast ${kind}, format 1`,
    description: 'See docs/format.md. Unknown members are preserved.',
    type: 'object',
    required: ['sha256', kind],
    properties: { sha256: { type: 'string', pattern: '^[0-9a-f]{64}$' }, [kind]: body },
  }
}

const kinds = ['catalog', 'page', 'manifest', 'marker', 'rewind', 'agreement'] as const

test.each(kinds)('parses a %s by the JSON Schema in the repository', async (kind) => {
  const text = `${JSON.stringify(documentSchema(kind), null, 2)}\n`
  await expect(text).toMatchFileSnapshot(`../../schema/${kind}.schema.json`)
})

describe.each(['catalog', 'page', 'manifest', 'marker'] as const)('the JSON Schema of a %s', (kind) => {
  test('accepts what a store writes, and rejects another format and a missing digest', async () => {
    const backend = new MemoryBackend()
    const store = storeOn(backend, {}, foldingEarly)
    await store.save({
      step: 1,
      epoch: 1,
      files: { 'a/b.bin': Buffer.from('x'), 'schema.test.ts': fileURLToPath(import.meta.url) },
      metrics: { loss: Number.NaN, other: 1 },
      tags: ['t'],
      metadata: { x: [1] },
      dataState: null,
    })
    await store.pin(1, 'why')
    for (let step = 2; step < 20; step += 1)
      await store.save({ step, files: { a: Buffer.from('a') }, metrics: { loss: 1 } })
    const schema = JSON.parse(
      await readFile(new URL(`../../schema/${kind}.schema.json`, import.meta.url), 'utf8'),
    ) as object
    const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema)
    const keys = (await keysOf(backend)).filter((key) =>
      key.includes(
        { marker: 'holdfast.json', page: 'pages/', catalog: 'catalog/', manifest: 'manifest.json' }[kind],
      ),
    )
    expect(keys.length).toBeGreaterThan(0)
    for (const key of keys) {
      const { body } = await backend.read(key)
      const document = JSON.parse(Buffer.concat(await Array.fromAsync(body)).toString()) as Record<
        string,
        unknown
      >
      expect(validate(document), JSON.stringify(validate.errors)).toBe(true)
      expect(validate({ ...document, [kind]: { ...(document[kind] as object), format: 'other/9.0' } })).toBe(
        false,
      )
      expect(validate({ [kind]: document[kind] })).toBe(false)
    }
  })
})
