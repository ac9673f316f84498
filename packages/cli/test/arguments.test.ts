import { InvalidArgumentError } from 'commander'
import { describe, expect, test } from 'vitest'
import {
  parseMeta,
  parseMetric,
  parseObjective,
  parsePackMode,
  parseSeconds,
  parseStep,
  parseSteps,
} from '../src/parsing/arguments.ts'

describe('parseStep', () => {
  test.each([
    ['0', 0],
    ['42', 42],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ])('parses the step %s', (text, step) => {
    expect(parseStep(text)).toBe(step)
  })

  test.each(['', '-1', '1.5', '1e3', 'x', '9007199254740992', ' 1', '0x10'])(
    'rejects %j as a step',
    (text) => {
      expect(() => parseStep(text)).toThrow(InvalidArgumentError)
    },
  )

  test('reports the largest step for a step above it', () => {
    expect(() => parseStep('9007199254740993')).toThrow('It must be at most 9007199254740991 (2^53 - 1).')
  })

  test('gathers several steps', () => {
    expect(parseSteps('2', parseSteps('1', undefined))).toEqual([1, 2])
  })
})

describe('parseSeconds', () => {
  test.each([
    ['0', 0],
    ['2.5', 2_500],
    ['2min', 120_000],
    ['1.5 h', 5_400_000],
    ['300ms', 300],
  ])('parses the time %s', (text, milliseconds) => {
    expect(parseSeconds(text)).toBe(milliseconds)
  })

  test.each(['', ' ', '-1', '2m', 'soon', 'Infinity'])('rejects %j as a time', (text) => {
    expect(() => parseSeconds(text)).toThrow(InvalidArgumentError)
  })
})

describe('parsePackMode', () => {
  test.each(['auto', 'always', 'never'])('parses %s', (text) => {
    expect(parsePackMode(text)).toBe(text)
  })

  test.each(['', 'true', 'Auto'])('rejects %j', (text) => {
    expect(() => parsePackMode(text)).toThrow(InvalidArgumentError)
  })
})

describe('parseMetric', () => {
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
  ])('parses or rejects the metric %s', (text, metrics) => {
    if (metrics === undefined) expect(() => parseMetric(text, undefined)).toThrow(InvalidArgumentError)
    else expect(parseMetric(text, { other: 1 })).toEqual({ other: 1, ...metrics })
  })
})

test('gathers metadata by name', () => {
  expect(parseMeta('lr=0.1', undefined)).toEqual({ lr: '0.1' })
  expect(parseMeta('commit=abc=1', { lr: '0.1' })).toEqual({ lr: '0.1', commit: 'abc=1' })
  expect(() => parseMeta('nothing', undefined)).toThrow(InvalidArgumentError)
})

test('rejects a metric, metadata or an objective that is given twice', () => {
  const twice = /^The (metric|metadata|objective) a is given twice\. Pass it once\.$/
  expect(() => parseMetric('a=2', parseMetric('a=1', undefined))).toThrow(twice)
  expect(() => parseMeta('a=2', parseMeta('a=1', undefined))).toThrow(twice)
  expect(() => parseObjective('a=y:max', parseObjective('a=x:min', undefined))).toThrow(twice)
  expect(() => parseMetric('toString=1', parseMetric('a=1', undefined))).not.toThrow()
})

test('parses an objective with a metric, a direction and an optional name', () => {
  expect(parseObjective('loss=val_loss:min', undefined)).toEqual({
    loss: { metric: 'val_loss', direction: 'min' },
  })
  expect(parseObjective('pck:max', undefined)).toEqual({ pck: { metric: 'pck', direction: 'max' } })
  for (const text of ['loss', 'loss:down', ':min', 'a=:min']) {
    expect(() => parseObjective(text, undefined), text).toThrow(InvalidArgumentError)
  }
})
