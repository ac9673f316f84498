import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from '@holdfast/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { holdfast } from './holdfast.ts'

let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-ls-'))
  await using store = await openStore(join(folder, 'store'), {
    config: false,
    mode: 'shared',
    objectives: {
      score: { metric: 'z_score', direction: 'max' },
      smooth: { metric: 'a_loss', direction: 'min', smoothing: { average: 2 } },
    },
    retention: { keepEvery: { steps: 1 } },
  })
  for (const step of [1, 2, 3, 4]) {
    const files = {
      'model/config.json': Buffer.from('{}'),
      'model/sub/w.bin': Buffer.from('w'),
      log: Buffer.from('l'),
    }
    await store.save({
      step,
      epoch: step / 2,
      files,
      metrics: { a_loss: 1 / step, z_score: step },
      tags: ['t'],
    })
  }
  await store.rewind(2)
  await store.pin(4, 'keep it')
  await store.save({
    step: 3,
    epoch: 1.5,
    files: { log: Buffer.from('again') },
    metrics: { a_loss: 9, z_score: 0 },
  })
})

afterAll(() => rm(folder, { recursive: true }))

async function ls(...words: readonly string[]): Promise<readonly string[]> {
  const { stdout, stderr } = await holdfast(folder, 'ls', '-s', 'store', ...words)
  expect(stderr).toBe('')
  return stdout.split('\n').map((line) => line.replaceAll(/ {2,}/g, '  ').trim())
}

test('shows the metrics of objectives before others, and epochs with a fraction', async () => {
  const [titles, first] = await ls()
  expect(titles).toMatch(/^STEP {2}EPOCH {2}SIZE {2}SAVED {2}z_score {2}a_loss {2}KEPT BECAUSE$/)
  expect(first).toMatch(/^3 {2}1\.5 {2}/)
})

test('shows the chosen columns in their order', async () => {
  const lines = await ls('--columns', '~smooth, step,files,metric:a_loss,tags,epoch')
  expect(lines.slice(0, 3)).toEqual([
    '~smooth  STEP  FILES  a_loss  TAGS  EPOCH',
    expect.stringMatching(/^[\d.]+ {2}3 {2}1 {2}9 {2}1\.5$/),
    expect.stringMatching(/^[\d.]+ {2}2 {2}3 {2}0\.5 {2}#t {2}1$/),
  ])
})

test.each([
  [
    '--columns',
    'steps',
    'There is no column "steps". Choose from: step, epoch, size, saved, files, tags, kept',
  ],
  ['--columns', 'step,,size', 'Write names with commas'],
])('rejects %s %s', async (option, value, message) => {
  expect(await holdfast(folder, 'ls', '-s', 'store', option, value)).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining(message) as string,
  })
})

test('--last chooses those that were saved last, also after a rewind to a lower step', async () => {
  // Another run continues from step 1, so that its step 2 is saved after step 3.
  await using store = await openStore(join(folder, 'rewound'), { config: false, mode: 'shared' })
  for (const step of [10, 20, 5]) await store.save({ step, files: { a: Buffer.from('a') } })
  const stepsOf = async (last: string): Promise<readonly unknown[]> => {
    const { stdout } = await holdfast(folder, 'ls', '-s', 'rewound', '--json', '--last', last)
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    return lines.slice(0, -1).map(({ step }) => step)
  }
  expect(await stepsOf('1')).toEqual([5])
  expect(await stepsOf('2')).toEqual([5, 20])
})

test('path returns the folder of a checkpoint, and refuses a name that it does not have', async () => {
  for (const name of ['model', 'model/', 'model/sub']) {
    const { stdout, code } = await holdfast(folder, 'path', '1', name, '-s', 'store')
    expect(code).toBe(0)
    expect(await readdir(stdout.trim())).toContain(name === 'model/sub' ? 'w.bin' : 'config.json')
  }
  expect(await holdfast(folder, 'path', '1', 'mod', '-s', 'store')).toMatchObject({ code: 4, stdout: '' })
})
