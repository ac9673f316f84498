import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { plantAdapterThatFailsAfterACommit } from './failing-adapters.ts'
import { holdfast, type Outcome } from './holdfast.ts'

type Command = (...words: readonly string[]) => Promise<Outcome>

/** A folder with a store of three checkpoints, and a function that runs commands on it. */
async function storeOfThree(): Promise<{ readonly folder: string; readonly run: Command }> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-cli-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'a'), Buffer.alloc(1000))
  const run: Command = (...words) => holdfast(folder, ...words, '--store', 'store')
  for (const step of ['1', '2', '3']) await run('save', 'a', '--step', step)
  return { folder, run }
}

async function stepsOf(run: Command): Promise<readonly number[]> {
  const lines = (await run('ls', '--json')).stdout.trim().split('\n')
  return lines.flatMap((line) => {
    const { type, step } = JSON.parse(line) as { type: string; step: number }
    return type === 'checkpoint' ? [step] : []
  })
}

test('lists again what rm deleted, and says until when that is possible', async () => {
  const { run } = await storeOfThree()
  const removed = await run('rm', '1', '2', '--undo-for', '1d')
  expect(removed.stdout).toMatch(
    /^dropped step 1 · deleted by hand\ndropped step 2 · deleted by hand\nthe files stay until \d{4}-.*Z · holdfast undo lists them again\n$/,
  )
  expect(await stepsOf(run)).toEqual([3])
  expect((await run('stats')).stdout).toContain(
    '2 removed checkpoints, 2.0 KB more, kept for holdfast undo\n',
  )
  const undone = await run('undo')
  expect(undone).toMatchObject({ code: 0, stderr: '' })
  expect(undone.stdout).toMatch(
    /^step 1 is listed again · 1\.0 KB · removed .*, deleted by hand\nstep 2 is listed again · .*\n$/,
  )
  expect(await stepsOf(run)).toEqual([1, 2, 3])
})

test('lists again what prune dropped, and says that the next save drops it again', async () => {
  const { folder, run } = await storeOfThree()
  const config = { store: 'store', retention: { keepLast: 1, grace: '1 h' } }
  await writeFile(join(folder, 'holdfast.config.json'), JSON.stringify(config))
  const dry = await run('prune', '--dry-run')
  expect(dry.stdout).toMatch(/^2 checkpoints, 2\.0 KB would be freed · /m)
  expect(dry.stdout).not.toContain('undo')
  const pruned = await run('prune')
  expect(pruned.stdout).toMatch(
    /^2 checkpoints, 2\.0 KB will be freed · .*\nthe files stay until .* · holdfast undo lists them again$/m,
  )
  const undone = await run('undo')
  expect(undone.stdout).toContain(
    'The next save drops steps 1 and 2 again, for good. Pin them to keep them: holdfast pin 1 2\n',
  )
})

test('shows with --dry-run what it would list and what else can be undone, and changes nothing', async () => {
  const { run } = await storeOfThree()
  await run('rm', '1', '--undo-for', '1d')
  await run('rm', '2', '--undo-for', '1d')
  const { stdout } = await run('undo', '--dry-run')
  expect(stdout).toMatch(
    /^step 2 would be listed again · .*\nstep 1 can be undone, too · 1\.0 KB · removed .* · until .*Z\n$/,
  )
  expect(await stepsOf(run)).toEqual([3])
  const result = JSON.parse((await run('undo', '1', '--json')).stdout) as object
  expect(result).toMatchObject({
    type: 'result',
    command: 'undo',
    dryRun: false,
    undone: [{ step: 1, bytes: 1000, because: 'deleted by hand', isAbandoned: false }],
    others: [{ step: 2 }],
  })
})

test('says what to do if there is nothing to undo, or if the step was saved again', async () => {
  const { folder, run } = await storeOfThree()
  await run('rm', '1')
  const nothing = await run('undo')
  expect(nothing.code).toBe(4)
  expect(nothing.stderr).toContain('A deletion can be undone with --undo-for 1d')
  await run('rm', '2', '--undo-for', '1d')
  await writeFile(join(folder, 'a'), 'other bytes')
  await run('save', 'a', '--step', '2')
  const again = await run('undo')
  expect(again.code).toBe(6)
  expect(again.stderr).toContain('holdfast rm 2 --undo-for 0s')
  const dry = await run('undo', '--dry-run')
  expect(dry.code).toBe(6)
  expect(dry.stdout).toMatch(/^step 2 is removed · 1\.0 KB · removed .* · until .*Z\n$/)
  await run('rm', '2', '--undo-for', '0s')
  expect((await run('undo')).code).toBe(0)
  expect((await run('undo', '7')).stderr).toContain('holdfast undo --dry-run lists the checkpoints')
})

test('asks before a sweep with --now ends an undo', async () => {
  const { run } = await storeOfThree()
  await run('rm', '1', '--undo-for', '1d')
  expect(await run('sweep', '--now')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--now deletes 1 removed checkpoint for good. Pass --yes') as string,
  })
  expect((await run('sweep', '--now', '--yes')).stdout).toMatch(
    /^deleted 1 unfinished or dropped checkpoint, /,
  )
  expect((await run('undo')).code).toBe(4)
})

test('undoes what a prune of all runs deleted in one of them', async () => {
  const { folder, run } = await storeOfThree()
  const pruned = await holdfast(folder, 'prune', '.', '--keep-last', '1', '--undo-for', '1d')
  expect(pruned.stdout).toMatch(/2 checkpoints, 2\.0 KB will be freed/)
  expect(pruned.stdout).toMatch(
    /^the files stay until .* · holdfast undo lists them again, with --store RUN$/m,
  )
  await run('undo')
  expect(await stepsOf(run)).toEqual([1, 2, 3])
})

test('succeeds although what else can be undone cannot be read afterwards', async () => {
  const { folder, run } = await storeOfThree()
  await run('rm', '1', '2', '--undo-for', '1d')
  const adapter = await plantAdapterThatFailsAfterACommit(folder)
  const words = ['undo', '1', '--json', '-s', 'toy://store', '--adapter', adapter]
  const { code, stdout, stderr } = await holdfast(folder, ...words)
  expect(stderr).toContain(
    'The other checkpoints that can be undone could not be read: The bucket does not answer.',
  )
  expect(JSON.parse(stdout)).toMatchObject({ command: 'undo', undone: [{ step: 1 }] })
  expect(code).toBe(0)
  expect(await stepsOf(run)).toEqual([1, 3])
})
