import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HoldfastError, openStore } from '@holdfast/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { faultOf, locationOf } from '../src/runs/runs-below.ts'
import { bytesByReason, bytesPerDay, fullAt } from '@holdfast/page/analysis'
import { holdfast } from './holdfast.ts'

const day = 86_400_000

function checkpoint(bytes: number, days: number, ...keptBecause: readonly string[]) {
  const pin = keptBecause.find((reason) => reason.startsWith('pinned'))
  const pinned = pin === undefined ? undefined : { reason: undefined, at: new Date(0) }
  return { bytes, savedAt: new Date(days * day), keptBecause, bestOf: [], pinned }
}

describe('bytes by reason', () => {
  test('count a checkpoint for each of its reasons, and alone for its only one', () => {
    const checkpoints = [
      checkpoint(10, 0, 'last 2', 'best loss'),
      checkpoint(5, 1, 'last 2'),
      checkpoint(1, 2, 'pinned "why"'),
      checkpoint(1, 3, 'pinned "other"'),
    ]
    expect(bytesByReason(checkpoints)).toEqual([
      { reason: 'last 2', checkpoints: 2, bytes: 15, bytesAlone: 5 },
      { reason: 'best loss', checkpoints: 1, bytes: 10, bytesAlone: 0 },
      { reason: 'pinned', checkpoints: 2, bytes: 2, bytesAlone: 2 },
    ])
  })

  test('name checkpoints that nothing keeps', () => {
    expect(bytesByReason([checkpoint(3, 0)])).toEqual([
      { reason: 'no reason', checkpoints: 1, bytes: 3, bytesAlone: 3 },
    ])
  })
})

describe('the growth', () => {
  test('is that of all checkpoints without a retention', () => {
    expect(bytesPerDay([checkpoint(8, 0), checkpoint(8, 1), checkpoint(8, 4)])).toBe(4)
  })

  test('is that of the checkpoints that stay for good with a retention', () => {
    const last = [checkpoint(8, 9, 'last 2'), checkpoint(8, 10, 'last 2', 'best loss')]
    expect(bytesPerDay([checkpoint(8, 0, 'best loss'), ...last])).toBe(0)
    expect(
      bytesPerDay([checkpoint(8, 0, 'every 10 steps'), checkpoint(8, 5, 'every 10 steps'), ...last]),
    ).toBe(0.8)
    expect(bytesPerDay([checkpoint(8, 0, '#good'), checkpoint(4, 4, 'one per 4 h'), ...last])).toBe(0.4)
  })

  test('is not estimated from two checkpoints or from one minute', () => {
    expect(bytesPerDay([checkpoint(8, 0), checkpoint(8, 1)])).toBeUndefined()
    expect(bytesPerDay([0, 1, 2].map((seconds) => checkpoint(8, seconds / 86_400)))).toBeUndefined()
  })

  test('says when the disk is full', () => {
    expect(fullAt(10, 5, new Date(0))).toEqual(new Date(2 * day))
    expect(fullAt(10, 0, new Date(0))).toBeUndefined()
    expect(fullAt(10, undefined, new Date(0))).toBeUndefined()
    expect(fullAt(1e30, 1, new Date(0))).toBeUndefined()
  })
})

test('the location of a run keeps the parameters of the prefix', () => {
  const run = { name: 'a/b c', url: 's3://bucket/runs/a/b%20c' }
  expect(locationOf('s3://bucket/runs/?region=x', run)).toBe('s3://bucket/runs/a/b%20c?region=x')
  expect(locationOf('s3://bucket/runs/a', { name: '', url: 's3://bucket/runs/a' })).toBe('s3://bucket/runs/a')
  expect(locationOf('./runs', { name: 'a', url: 'file:///x/runs/a' })).toBe('file:///x/runs/a')
})

test('the repair of a run keeps the parameters of the prefix', () => {
  const error = new HoldfastError('CORRUPT', 'The catalog is damaged.')
  const run = { name: 'a', url: 's3://bucket/runs/a', state: 'damaged', error } as const
  expect(faultOf('s3://bucket/runs?region=x', run)).toBe(
    "damaged: holdfast repair --store 's3://bucket/runs/a?region=x' · The catalog is damaged.",
  )
})

describe('the command', () => {
  let folder = ''

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdfast-stats-'))
    for (const [name, steps] of [
      ['a', 4],
      ['b 50%', 2],
    ] as const) {
      await using store = await openStore(join(folder, 'runs', name), {
        config: false,
        mode: 'shared',
        objectives: { loss: { metric: 'loss', direction: 'min' } },
        retention: { keepLast: 2, keepBest: { loss: 1 } },
      })
      for (let step = 1; step <= steps; step += 1)
        await store.save({ step, files: { a: Buffer.alloc(1000) }, metrics: { loss: step } })
    }
  })

  afterAll(() => rm(folder, { recursive: true }))

  test('shows what keeps how many bytes of a store', async () => {
    const { code, stdout, stderr } = await holdfast(folder, 'stats', '-s', 'runs/a')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const lines = stdout.replaceAll(/ {2,}/g, '  ').split('\n')
    expect(lines.slice(0, 3)).toEqual([
      'KEPT BECAUSE  CHECKPOINTS  SIZE  ONLY BECAUSE OF IT',
      'last 2  2  2.0 KB  2.0 KB',
      'best loss  1  1.0 KB  1.0 KB',
    ])
    expect(lines[3]).toMatch(/^3 checkpoints · 3\.0 KB · file:/)
    expect(lines[4]).toMatch(/^too few checkpoints to estimate the growth · .* free$/)
  })

  test('prints JSON with the free space', async () => {
    const { stdout } = await holdfast(folder, 'stats', '-s', 'runs/a', '--json')
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown)
    expect(lines).toEqual([
      { type: 'reason', reason: 'last 2', checkpoints: 2, bytes: 2000, bytesAlone: 2000 },
      { type: 'reason', reason: 'best loss', checkpoints: 1, bytes: 1000, bytesAlone: 1000 },
      expect.objectContaining({
        type: 'result',
        checkpoints: 3,
        bytes: 3000,
        free: expect.any(Number) as number,
      }),
    ])
  })

  test('adds up all runs below a prefix', async () => {
    const { code, stdout } = await holdfast(folder, 'stats', 'runs')
    expect(code).toBe(0)
    expect(stdout).toMatch(/\na +3 +3\.0 KB\nb 50% +2 +2\.0 KB\n/)
    expect(stdout).toMatch(/\nlast 2 +4 +4\.0 KB +3\.0 KB\nbest loss +2 +2\.0 KB +1\.0 KB\n/)
    expect(stdout).toContain('\n2 runs · 5 checkpoints · 5.0 KB\n')
  })

  test('lists a damaged run with the reason, and exits with 5', async () => {
    await mkdir(join(folder, 'broken/x/catalog'), { recursive: true })
    await writeFile(join(folder, 'broken/x/catalog/0000000000000001.json'), 'not a catalog')
    const { code, stdout } = await holdfast(folder, 'stats', 'broken')
    expect(code).toBe(5)
    expect(stdout).toMatch(/\nx .*damaged: holdfast repair --store file:/)
  })

  test.each([
    [['stats', 'runs', '-s', 'runs/a'], 2, 'stats PREFIX is about all runs'],
    [['stats', '-s', 'missing'], 0, ''],
    [['stats', 'nothing-here'], 0, ''],
  ])('%j exits with %i', async (words, code, message) => {
    const outcome = await holdfast(folder, ...words)
    expect(outcome.code).toBe(code)
    expect(outcome.stderr).toContain(message)
  })
})
