import { InvalidArgumentError } from 'commander'
import { describe, expect, test } from 'vitest'
import { parseMeta, parseMetric, parseObjective, parseStep, parseSteps } from '../src/arguments.ts'

describe('a step', () => {
  test.each([
    ['0', 0],
    ['42', 42],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ])('%s', (text, step) => {
    expect(parseStep(text)).toBe(step)
  })

  test.each(['', '-1', '1.5', '1e3', 'x', '9007199254740992', ' 1', '0x10'])('not %j', (text) => {
    expect(() => parseStep(text)).toThrow(InvalidArgumentError)
  })

  test('above the limit names the limit', () => {
    expect(() => parseStep('9007199254740993')).toThrow('It must be at most 9007199254740991 (2^53 - 1).')
  })

  test('several gather', () => {
    expect(parseSteps('2', parseSteps('1', undefined))).toEqual([1, 2])
  })
})

describe('a metric', () => {
  test.each([
    ['loss=0.183', { loss: 0.183 }],
    ['a=b=1', undefined],
    ['loss=-1e-5', { loss: -1e-5 }],
    ['loss=nan', { loss: Number.NaN }],
    ['loss=NaN', { loss: Number.NaN }],
    ['loss=inf', { loss: Infinity }],
    ['loss=-Infinity', { loss: -Infinity }],
    ['loss=', undefined],
    ['=1', undefined],
    ['loss', undefined],
    ['loss=low', undefined],
  ])('%s', (text, metrics) => {
    if (metrics === undefined) expect(() => parseMetric(text, undefined)).toThrow(InvalidArgumentError)
    else expect(parseMetric(text, { other: 1 })).toEqual({ other: 1, ...metrics })
  })
})

test('gathers metadata by name', () => {
  expect(parseMeta('lr=0.1', undefined)).toEqual({ lr: '0.1' })
  expect(parseMeta('commit=abc=1', { lr: '0.1' })).toEqual({ lr: '0.1', commit: 'abc=1' })
  expect(() => parseMeta('nothing', undefined)).toThrow(InvalidArgumentError)
})

test('an objective has a metric and a direction, and a name of its own or that of the metric', () => {
  expect(parseObjective('loss=val_loss:min', undefined)).toEqual({
    loss: { metric: 'val_loss', direction: 'min' },
  })
  expect(parseObjective('pck:max', undefined)).toEqual({ pck: { metric: 'pck', direction: 'max' } })
  for (const text of ['loss', 'loss:down', ':min', 'a=:min']) {
    expect(() => parseObjective(text, undefined), text).toThrow(InvalidArgumentError)
  }
})
