import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { tmpdir } from 'node:os'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openStore } from '@holdfast/core'
import { holdfast, type Outcome } from './holdfast.ts'

let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-runs-'))
  await addRun('pose-41', [0.3, 0.1, 0.2], { tagged: 1 })
  await addRun('pose-42', [0.4, 0.05], {})
  await addRun(
    'long',
    Array.from({ length: 20 }, () => 0.9),
    {},
  )
})

afterAll(() => rm(folder, { recursive: true }))

async function addRun(
  name: string,
  losses: readonly number[],
  { tagged }: { tagged?: number },
): Promise<void> {
  await using store = await openStore(join(folder, 'runs', name), {
    config: false,
    mode: 'shared',
    objectives: { loss: { metric: 'val_loss', direction: 'min' } },
  })
  for (const [step, val_loss] of losses.entries()) {
    const files = { 'model.bin': Buffer.alloc(1000 * (step + 1)) }
    await store.save({ step, files, metrics: { val_loss }, tags: step === tagged ? ['good'] : [] })
  }
}

async function run(...words: readonly string[]): Promise<Outcome> {
  return holdfast(folder, ...words)
}

function jsonOf({ stdout }: Outcome): readonly Record<string, unknown>[] {
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

describe('runs', () => {
  test('shows what each run has, and points out a run that was never pruned', async () => {
    const { stdout, code } = await run('runs', 'runs', '--price', '1000000')
    expect(code).toBe(0)
    const [titles, long, first, second, total] = stdout.split('\n')
    expect(titles).toMatch(/^RUN +LATEST +SAVED +best:loss +CHECKPOINTS +SIZE +A MONTH +NOTES$/)
    expect(long).toMatch(
      /^long +19 .* 20 +210 KB +210\.00 +never pruned: holdfast prune --store file:.*\/runs\/long /,
    )
    expect(first).toMatch(/^pose-41 +2 .* +0\.1 +3 +6\.0 KB +6\.00$/)
    expect(second).toMatch(/^pose-42 +1 .* +0\.05 +2 +3\.0 KB +3\.00$/)
    expect(total).toBe('3 runs · 25 checkpoints · 219 KB · 219.00 a month')
  })

  test('sorts runs by a number, and lists only those that satisfy a condition', async () => {
    const words = ['runs', 'runs', '--where', 'size < 100 KB', '--sort', 'best:loss', '--json']
    const lines = jsonOf(await run(...words))
    expect(lines.map(({ name }) => name)).toEqual(['pose-42', 'pose-41', undefined])
    expect(lines.at(-1)).toEqual({
      type: 'result',
      command: 'runs',
      runs: 2,
      checkpoints: 5,
      bytes: 9000,
      isComplete: true,
    })
  })

  test('exits with 5 and says how to help if a run is damaged', async () => {
    await addRun('damaged', [0.5], {})
    const catalog = join(folder, 'runs', 'damaged', 'catalog')
    const newest = (await readdir(catalog)).sort().at(-1) ?? ''
    await chmod(join(catalog, newest), 0o600)
    await writeFile(join(catalog, newest), 'damaged')
    const { stdout, code } = await run('runs', 'runs')
    await rm(join(folder, 'runs', 'damaged'), { recursive: true })
    expect(code).toBe(5)
    expect(stdout).toMatch(
      /\ndamaged +damaged: holdfast repair --store file:.*\/runs\/damaged · catalog\/\d+\.json /,
    )
    expect(stdout).toMatch(/\npose-41 +2 /)
  })

  test.each<[string, readonly string[]]>([
    ['missing required argument', ['runs']],
    ['Nothing in the list has a field "cost"', ['runs', 'runs', '--sort', 'cost']],
    ['--store is about one store', ['runs', 'runs', '--store', 'x']],
    ['It must be a number from 0', ['runs', 'runs', '--price', 'free']],
  ])('rejects wrong input: %s', async (message, words) => {
    expect(await run(...words)).toMatchObject({ code: 2, stderr: expect.stringContaining(message) as string })
  })
})

describe('ls', () => {
  async function steps(...words: readonly string[]): Promise<readonly unknown[]> {
    return jsonOf(await run('ls', '--store', 'runs/pose-41', '--json', ...words))
      .filter(({ type }) => type === 'checkpoint')
      .map(({ step }) => step)
  }

  test('lists the checkpoints that satisfy every condition, in the order of a metric', async () => {
    expect(await steps('--where', 'val_loss <= 0.2', '--sort', 'val_loss')).toEqual([1, 2])
    expect(await steps('--where', 'val_loss <= 0.2', '--where', 'size>2 KB')).toEqual([2])
    expect(await steps('--sort', 'size', '--reverse')).toEqual([2, 1, 0])
    expect(await steps('--tag', 'good')).toEqual([1])
    expect(await steps('--last', '2')).toEqual([1, 2])
    expect(await steps('--last', '1', '--where', 'step < 2')).toEqual([1])
  })

  test('says how many of all checkpoints it lists', async () => {
    const { stdout } = await run('ls', '--store', 'runs/pose-41', '--last', '2')
    expect(stdout).toMatch(/\n2 of 3 checkpoints · 5\.0 KB · /)
  })

  test.each<[string, readonly string[]]>([
    ['Nothing in the list has a field "loss"', ['--sort', 'loss']],
    ['Write FIELD < VALUE', ['--where', 'val_loss']],
    ['is not a size', ['--where', 'size > 3 lb']],
  ])('rejects wrong input: %s', async (message, words) => {
    expect(await run('ls', '--store', 'runs/pose-41', ...words)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(message) as string,
    })
  })
})
