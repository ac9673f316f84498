import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type JsonValue, MemoryBackend, parseJson, stringifyJson } from '../../src/index.ts'
import { codeOf, storeOn } from '../stores.ts'

const files = { a: Buffer.from('x') }

/** JSON text as a value. The types of TypeScript do not describe `JSON.rawJSON` yet. */
function raw(text: string): JsonValue {
  const make: unknown = Reflect.get(JSON, 'rawJSON')
  if (!isMaker(make)) throw new Error('This Node.js has no JSON.rawJSON.')
  return [make(text)]
}

function isMaker(value: unknown): value is (text: string) => JsonValue {
  return typeof value === 'function'
}

const numpyState =
  '{"seed":12345678901234567890,"pcg64":{"state":35399562948360463058890781895381311971,' +
  '"inc":87136372517582989555478159403783844777},"loss":-0,"flops":1.2345678901234568e+18,"max":1e+300}'

describe('metadata and data states', () => {
  test('come back with every digit', async () => {
    const store = storeOn(new MemoryBackend())
    const dataState = parseJson(numpyState, 'dataState')
    await store.save({ step: 1, files, metadata: { seed: 2n ** 64n - 1n, small: 7n }, dataState })
    const found = await store.get(1)
    expect(stringifyJson(found?.dataState)).toBe(numpyState)
    expect(found?.metadata).toEqual({ seed: 2n ** 64n - 1n, small: 7 })
  })

  test('come back as given, with integers of any size', async () => {
    const property = fc.asyncProperty(fc.jsonValue(), fc.bigInt(), async (json, integer) => {
      const text = stringifyJson([json, { integer }])
      const store = storeOn(new MemoryBackend())
      await store.save({ step: 1, files, metadata: parseJson(text, 'metadata') })
      expect(stringifyJson((await store.get(1))?.metadata)).toBe(text)
    })
    await fc.assert(property)
  })

  test('keep an integer although a program has made bigint values strings', async () => {
    Object.defineProperty(BigInt.prototype, 'toJSON', { value: () => 'text', configurable: true })
    try {
      const store = storeOn(new MemoryBackend())
      await store.save({ step: 1, files, metadata: [2n ** 70n] })
      expect((await store.get(1))?.metadata).toEqual([2n ** 70n])
    } finally {
      Reflect.deleteProperty(BigInt.prototype, 'toJSON')
    }
  })

  test.each<[string, JsonValue, string]>([
    ['an integer that may have been rounded', { seed: 2 ** 53 }, 'metadata.seed is 9007199254740992'],
    ['a large number', [1, 3.5e37], 'metadata[1] is 3.5e+37'],
    ['NaN', { a: [Number.NaN] }, 'metadata.a[0] is NaN'],
    ['half of a surrogate pair', { a: '\ud83d' }, 'metadata.a contains a lone surrogate'],
    ['a name with half of a surrogate pair', { '\udc00': 1 }, 'A name in metadata contains a lone surrogate'],
    ['a raw number that JavaScript rounds', raw('1e999'), 'metadata[0] is 1e999'],
  ])('are rejected with %s, and nothing is written', async (_, metadata, message) => {
    const backend = new MemoryBackend()
    const store = storeOn(backend)
    await expect(store.save({ step: 1, files, metadata })).rejects.toThrow(message)
    expect(await Array.fromAsync(backend.list(''))).toEqual([])
  })

  test('are rejected with an array that has a hole', async () => {
    const store = storeOn(new MemoryBackend())
    const metadata: JsonValue[] = [1]
    metadata.length = 2
    expect(await codeOf(store.save({ step: 1, files, metadata }))).toBe('INVALID_ARGUMENT')
  })
})

test.each([
  ['tags', { tags: ['\ud800'] }],
  ['names of metrics', { metrics: { '\ud800': 1 } }],
])('rejects lone surrogates in %s', async (_, part) => {
  const store = storeOn(new MemoryBackend())
  expect(await codeOf(store.save({ step: 1, files, ...part }))).toBe('INVALID_ARGUMENT')
})

test('reads a metric that another writer wrote as a large integer', async () => {
  const store = storeOn(new MemoryBackend())
  await store.save({ step: 1, files, metrics: { loss: 1e20, worse: 1e300 } })
  expect((await store.get(1))?.metrics).toEqual({ loss: 1e20, worse: 1e300 })
})

describe('parsing JSON', () => {
  test.each([
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
    ['9007199254740992', 2n ** 53n],
    ['-9007199254740992', -(2n ** 53n)],
    ['{"a":[1.50,1e3,0.1]}', { a: [1.5, 1000, 0.1] }],
    ['"9007199254740993"', '9007199254740993'],
  ])('reads %s', (text, value) => {
    expect(parseJson(text, 'it')).toEqual(value)
  })

  test.each([
    ['{"a":{"b":[0,1e999]}}', 'it.a.b[1] is 1e999'],
    ['[1e-999]', 'it[0] is 1e-999'],
    ['{"x":0.12345678901234567890123}', 'it.x is 0.12345678901234567890123'],
    ['[12345678901234567890.5]', 'it[0] is 12345678901234567890.5'],
    ['"\\ud800"', 'it contains a lone surrogate'],
    ['{"ema":NaN}', 'JSON has no NaN. Python writes it by default'],
    ['Infinity', 'JSON has no Infinity'],
    ['{"a":', 'it is not JSON: '],
    ['['.repeat(100_000), 'it is not JSON: '],
    ['['.repeat(40) + ']'.repeat(40), 'is nested more than 32 levels deep'],
  ])('rejects %s', (text, message) => {
    expect(() => parseJson(text, 'it')).toThrow(message)
  })
})
