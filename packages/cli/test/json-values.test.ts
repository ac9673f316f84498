import { stringifyJson } from '@holdfast/core'
import { expect, test } from 'vitest'
import { metadataOf, readDataState } from '../src/parsing/json-values.ts'

test('parses metadata that is JSON and keeps any other text', () => {
  const texts = {
    lr: '0.1',
    tags: '["a"]',
    commit: 'abc=1',
    seed: '9007199254740993',
    negative: '-18446744073709551616',
    digest: '0123456789',
    exponent: '1e5',
    large: '1e+30',
    nan: 'NaN',
  }
  expect(stringifyJson(metadataOf(texts))).toBe(
    '{"lr":0.1,"tags":["a"],"commit":"abc=1","seed":9007199254740993,"negative":-18446744073709551616,' +
      '"digest":"0123456789","exponent":"1e5","large":1e+30,"nan":"NaN"}',
  )
})

test.each([
  ['cfg', '{"rates":[0.1,0.1234567890123456789]}', 'metadata.cfg.rates[1] is 0.1234567890123456789'],
  ['cfg', '{"name":"\\ud800"}', 'metadata.cfg.name contains a lone surrogate'],
])('rejects metadata that would change: %s=%s', (name, text, message) => {
  expect(() => metadataOf({ [name]: text })).toThrow(message)
})

test('parses a data state, or rejects it with the reason', async () => {
  expect(await readDataState('{"epoch":1,"position":640}')).toEqual({ epoch: 1, position: 640 })
  await expect(readDataState('epoch 1')).rejects.toThrow('dataState is not JSON: Unexpected token')
  await expect(readDataState('{"ema":NaN}')).rejects.toThrow('JSON has no NaN')
  await expect(readDataState('[1, -Infinity]')).rejects.toThrow('json.dumps(..., allow_nan=False)')
  await expect(readDataState('@missing.json')).rejects.toThrow(
    'Reading the data state from missing.json failed',
  )
})
