import { copyFile, mkdtemp, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { adapter } from '@holdfast/adapter-fs'
import { type BackendAdapter, MemoryBackend } from '@holdfast/core'
import { expect, test } from 'vitest'
import { openRuns } from '../src/index.ts'

const example = fileURLToPath(new URL('../runs.json', import.meta.url))

async function folderWith(runs?: object): Promise<string> {
  const file = join(await mkdtemp(join(tmpdir(), 'holdfast-service-')), 'runs.json')
  if (runs === undefined) await copyFile(example, file)
  else await writeFile(file, JSON.stringify(runs))
  return file
}

test('keeps each run by its own retention, and reports the state of all', async () => {
  await using runs = await openRuns(await folderWith(), [adapter])
  for (const [step, val_loss] of [0.1, 0.4, 0.3, 0.2].entries())
    await runs
      .store('train')
      .save({ step, files: { 'w.bin': Buffer.from(`${step}`) }, metrics: { val_loss } })
  const kept = await runs.store('train').list()
  expect(kept.map(({ step }) => step)).toEqual([0, 2, 3])
  const states = await runs.states()
  expect(states.map(({ name, latest }) => [name, latest])).toEqual([
    ['train', 3],
    ['etl', undefined],
  ])
  expect(() => runs.store('trian')).toThrow('Known: train, etl')
})

test('reports the state of the other runs if the store of one is unreadable', async () => {
  const file = await folderWith({ good: { store: './good' }, bad: { store: './bad' } })
  await using runs = await openRuns(file, [adapter])
  await runs.store('good').save({ step: 1, files: { 'w.bin': Buffer.from('1') } })
  await writeFile(join(dirname(file), 'bad'), 'no folder')
  expect(await runs.states()).toMatchObject([
    { name: 'good', latest: 1, error: undefined },
    { name: 'bad', latest: undefined, error: expect.any(Error) as Error },
  ])
})

test('does not start with a run that is not valid', async () => {
  const file = await folderWith({ a: { store: './a' }, b: { store: './b', retention: { keepLst: 1 } } })
  await expect(openRuns(file, [adapter])).rejects.toThrow('keepLst')
  await expect(openRuns(await folderWith({ a: {} }), [adapter])).rejects.toThrow('has no store')
})

test('opens URLs of buckets as they are, and relative paths of stores and mirrors beside the file', async () => {
  const opened: string[] = []
  const recording: BackendAdapter = {
    schemes: ['s3', 'gs', 'file'],
    open: async ({ href }) => {
      opened.push(href)
      return new MemoryBackend(href)
    },
  }
  const file = await folderWith({
    a: { store: 's3://bucket/runs/a?region=eu-west-1' },
    b: { store: 'gs://bucket/runs/b', mirror: { store: './copy' } },
    c: { store: './c' },
  })
  await using _ = await openRuns(file, [recording])
  const beside = pathToFileURL(dirname(file)).href
  expect(opened).toEqual([
    's3://bucket/runs/a?region=eu-west-1',
    'gs://bucket/runs/b',
    `${beside}/copy`,
    `${beside}/c`,
  ])
})

test('expands the home folder', async () => {
  const file = await folderWith({ a: { store: '~/runs' } })
  await using runs = await openRuns(file, [adapter])
  expect(runs.store('a').url).toBe(pathToFileURL(join(homedir(), 'runs')).href)
})
