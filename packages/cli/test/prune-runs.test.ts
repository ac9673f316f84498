import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from '@holdfast/core'
import { expect, onTestFinished, test } from 'vitest'
import { planBudget } from '../src/runs/budget.ts'
import { plantAdapterThatDeletesNothing } from './failing-adapters.ts'
import { holdfast, type Outcome } from './holdfast.ts'

const objectives = { loss: { metric: 'loss', direction: 'min' } } as const

/** Two runs whose saves alternate. In each, step 1 is the best. Step 2 of the run a is pinned. */
async function twoRuns(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-prune-runs-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  for (const step of [1, 2, 3, 4]) {
    for (const name of ['a', 'b']) {
      await using store = await openStore(join(folder, 'runs', name), {
        config: false,
        mode: 'shared',
        objectives,
      })
      await store.save({ step, files: { w: Buffer.alloc(1000) }, metrics: { loss: step } })
      if (name === 'a' && step === 2) await store.pin(2)
    }
  }
  return folder
}

async function stepsOf(folder: string, run: string): Promise<readonly number[]> {
  await using store = await openStore(join(folder, 'runs', run), { config: false, mode: 'shared' })
  return (await store.list()).map(({ step }) => step)
}

async function prune(folder: string, ...words: readonly string[]): Promise<Outcome> {
  return holdfast(folder, 'prune', 'runs', ...words)
}

test('drops the oldest of all runs until they fit into the budget, as the dry run says', async () => {
  const folder = await twoRuns()
  const dry = await prune(folder, '--budget', '6 KB', '--dry-run')
  expect(dry).toMatchObject({ code: 0, stderr: '' })
  expect(dry.stdout.split('\n')).toEqual([
    'b · would drop step 2 · 1.0 KB · over 6.0 KB in all runs',
    'a · would drop step 3 · 1.0 KB · over 6.0 KB in all runs',
    '2 runs · 2 checkpoints, 2.0 KB would be freed · 6.0 KB left',
    '',
  ])
  expect([await stepsOf(folder, 'a'), await stepsOf(folder, 'b')]).toEqual([
    [1, 2, 3, 4],
    [1, 2, 3, 4],
  ])
  const done = await prune(folder, '--budget', '6 KB')
  expect(done.stdout).toBe(dry.stdout.replaceAll('would drop', 'dropped').replace('would be freed', 'freed'))
  expect([await stepsOf(folder, 'a'), await stepsOf(folder, 'b')]).toEqual([
    [1, 2, 4],
    [1, 3, 4],
  ])
})

test('never drops the latest, the best and the pinned, and says that the budget is exceeded', async () => {
  const folder = await twoRuns()
  const { code, stderr, stdout } = await prune(folder, '--budget', '1', '--json')
  expect(code).toBe(3)
  expect(stderr).toContain('5.0 KB are still kept, which is more than 1 B. What is left is the latest')
  expect([await stepsOf(folder, 'a'), await stepsOf(folder, 'b')]).toEqual([
    [1, 2, 4],
    [1, 4],
  ])
  expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toEqual({
    type: 'result',
    command: 'prune',
    dryRun: false,
    runs: 2,
    dropped: 3,
    bytes: 3000,
    left: 5000,
    uncounted: [],
  })
})

test('applies a retention to every run, and then the budget', async () => {
  const folder = await twoRuns()
  const words = ['--keep-last', '2', '--budget', '6 KB']
  const dry = await prune(folder, ...words, '--dry-run')
  const done = await prune(folder, ...words)
  expect(done.stdout).toBe(dry.stdout.replaceAll('would drop', 'dropped').replace('would be freed', 'freed'))
  expect([await stepsOf(folder, 'a'), await stepsOf(folder, 'b')]).toEqual([
    [1, 2, 4],
    [1, 3, 4],
  ])
})

test('reports a run that another writer owns, and prunes the others', async () => {
  const folder = await twoRuns()
  await using owner = await openStore(join(folder, 'runs', 'a'), { config: false })
  await owner.save({ step: 5, files: { w: Buffer.alloc(1000) } })
  const { code, stderr, stdout } = await prune(folder, '--keep-last', '1')
  expect(code).toBe(6)
  expect(stderr).toMatch(
    /^a is not pruned: .* only it may write\. If that writer has ended or must stop, prune it alone: holdfast prune --store file:\S+\/runs\/a --take-over\n1 run is not counted: a\n$/,
  )
  expect(stdout).toMatch(/2.0 KB left\n$/)
  expect(await stepsOf(folder, 'b')).toEqual([1, 4])
})

test('names the job by which a run of a job can be pruned', async () => {
  const folder = await twoRuns()
  await using owner = await openStore(join(folder, 'runs', 'a'), { config: false, job: 'night shift' })
  await owner.save({ step: 5, files: { w: Buffer.alloc(1000) } })
  const { stderr } = await prune(folder, '--keep-last', '1')
  expect(stderr).toMatch(/Prune it alone: holdfast prune --store file:\S+\/runs\/a --job 'night shift'\n/)
})

test('counts what could not be dropped as left, and reports that the budget is exceeded', async () => {
  const folder = await twoRuns()
  await using owner = await openStore(join(folder, 'runs', 'a'), { config: false })
  await owner.save({ step: 5, files: { w: Buffer.alloc(1000) } })
  const { code, stderr, stdout } = await prune(folder, '--budget', '6 KB')
  expect(code).toBe(6)
  expect(stderr).toMatch(/a is not pruned: [^]*7.0 KB are still kept, which is more than 6.0 KB\.\n$/)
  expect(stdout).toMatch(/7.0 KB left\n$/)
})

test.each([
  ['--keep-last', '1'],
  ['--budget', '1'],
])('exits with 3 if files cannot be deleted, and names the run: %j', async (...words) => {
  const folder = await twoRuns()
  const adapter = await plantAdapterThatDeletesNothing(folder)
  const { code, stderr, stdout } = await holdfast(
    folder,
    'prune',
    'toy://runs',
    ...words,
    '--adapter',
    adapter,
  )
  expect(stderr).toMatch(
    /^a: Some files of dropped checkpoints could not be deleted: .*no deletion\. Run holdfast sweep --store toy:\/\/runs\/a later\.\n/m,
  )
  expect(stdout).toContain('dropped step 3')
  expect(code).toBe(3)
})

test.each([
  ['prune', '--keep-last', '1'],
  ['rm', '2'],
])('%s of one store exits with 3 if files cannot be deleted', async (...words) => {
  const folder = await twoRuns()
  const adapter = await plantAdapterThatDeletesNothing(folder)
  const { code, stderr } = await holdfast(folder, ...words, '-s', 'toy://runs/b', '--adapter', adapter)
  expect(stderr).toMatch(/could not be deleted: .*no deletion\. Run holdfast sweep later\.\n$/)
  expect(code).toBe(3)
})

test.each([
  [['prune', 'runs'], 'What to keep in all runs below runs is not given.'],
  [['prune', '--budget', '1 GB', '-s', 'x'], '--budget is for all runs below a prefix'],
  [['prune', 'runs', '--budget', 'much'], 'Write a number of bytes'],
  [['prune', 'runs', '--budget', '1 GB', '-s', 'x'], 'prune PREFIX is about all runs'],
  [['prune', 'runs', '--budget', '1 GB', '--job', 'x'], '--job is about one store'],
  [['prune', 'runs', '--budget', '1 GB', '--member', 'x'], '--member is about one store'],
  [['prune', 'runs', '--budget', '1 GB', '--mirror', 'x'], '--mirror is about one store'],
  [['prune', 'runs', '--keep-last', '1', '--make-room'], '--make-room is about one store'],
])('rejects %j', async (words, message) => {
  expect(await holdfast(tmpdir(), ...words)).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining(message) as string,
  })
})

test('plans nothing if everything fits', () => {
  const checkpoint = {
    step: 1,
    bytes: 5,
    savedAt: new Date(0),
    isLatest: false,
    pinned: undefined,
    bestOf: [],
  }
  const runs = [{ run: 'a', checkpoints: [checkpoint] }]
  expect(planBudget(runs, 5)).toEqual({ drops: [], bytes: 5 })
  expect(planBudget(runs, 4)).toEqual({ drops: [{ run: 'a', step: 1, bytes: 5 }], bytes: 0 })
})
