import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, expect, onTestFinished, test } from 'vitest'
import { environment, holdfast, main } from './holdfast.ts'
import { plantAdapterThatFailsToPut } from './failing-adapters.ts'

/** A folder with a store `run` that has these steps, saved in this order. */
async function folderWithRun(...steps: readonly number[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-cli-copy-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  for (const step of steps) await save(folder, step)
  return folder
}

async function save(folder: string, step: number): Promise<void> {
  await writeFile(join(folder, 'model.bin'), `model of step ${step}`)
  const words = ['save', 'model.bin', '--step', String(step), '--metric', `loss=${step}`]
  expect(await holdfast(folder, ...words, '--store', 'run')).toMatchObject({ code: 0 })
}

async function damage(folder: string, step: number): Promise<void> {
  const attempts = await readdir(join(folder, 'run/data'))
  const attempt = attempts.find((name) => name.startsWith(`${step}-`)) ?? ''
  const path = join(folder, 'run/data', attempt, 'model.bin')
  await chmod(path, 0o600)
  await writeFile(path, `MODEL of step ${step}`)
}

describe('copy', () => {
  test('copies what is missing, says what was there, and restores from the copy', async () => {
    const folder = await folderWithRun(1, 2, 3)
    const dry = await holdfast(folder, 'copy', 'run', 'backup', '--dry-run')
    expect(dry).toMatchObject({ code: 0, stderr: '' })
    expect(dry.stdout.split('\n')[0]).toBe('would copy step 1 · 15 B')
    expect(dry.stdout).toContain('3 would be copied (45 B) · file://')
    expect(await readdir(folder)).not.toContain('backup')
    const one = await holdfast(folder, 'copy', 'run', 'backup', '2')
    expect(one.stdout).toMatch(/^copied step 2 · 15 B in \d+\.\d s\n1 copied · file:\/\/.*backup\n$/)
    const rest = await holdfast(folder, 'copy', 'run', 'backup')
    expect(rest.stdout).toMatch(/\n2 copied, 1 already there · file:/)
    const again = await holdfast(folder, 'copy', 'run', 'backup', '--missing')
    expect(again).toMatchObject({ code: 0, stderr: '' })
    expect(again.stdout).toMatch(/^0 copied, 3 already there · file:/)
    expect(await holdfast(folder, 'restore', '--store', 'backup', '--to', 'back')).toMatchObject({ code: 0 })
    expect(await readFile(join(folder, 'back/model.bin'), 'utf8')).toBe('model of step 3')
  })

  test('refuses --take-over-mirror, which it does not honour', async () => {
    const folder = await folderWithRun(1)
    expect(await holdfast(folder, 'copy', 'run', 'backup', '--take-over-mirror')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('Pass --take-over-mirror to holdfast run or holdfast save.') as string,
    })
    expect(await readdir(folder)).not.toContain('backup')
  })

  test.each([[[]], [['1', '2']]])('refuses --to-step for the checkpoints %j', async (choices) => {
    const folder = await folderWithRun(1, 2)
    const words = ['copy', 'run', 'backup', ...choices, '--to-step', '5']
    expect(await holdfast(folder, ...words)).toMatchObject({
      code: 2,
      stdout: '',
      stderr: 'holdfast: --to-step gives one checkpoint another step. Name exactly one checkpoint.\n',
    })
  })

  test('copies the best to another step, and prints each outcome as JSON', async () => {
    const folder = await folderWithRun(5, 4)
    const words = [
      'copy',
      'run',
      'releases',
      'best:loss',
      '--to-step',
      '1',
      '--objective',
      'loss=loss:min',
      '--json',
    ]
    const { code, stdout } = await holdfast(folder, ...words)
    expect(code).toBe(0)
    const lines = stdout
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line))
    expect(lines).toMatchObject([
      { type: 'copied', step: 4, toStep: 1, bytes: 15, bytesBefore: 0 },
      { type: 'result', command: 'copy', copied: 1, there: 0, skipped: 0, failed: 0 },
    ])
  })

  test('copies only the latest on request', async () => {
    const folder = await folderWithRun(1, 2, 3)
    const { code, stdout } = await holdfast(folder, 'copy', 'run', 'backup', 'latest')
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^copied step 3 .*\n1 copied · /)])
  })

  test('copies pins and the metrics of deleted checkpoints only on request', async () => {
    const folder = await folderWithRun(1, 2)
    await holdfast(folder, 'pin', '2', '--store', 'run')
    await holdfast(folder, 'rm', '1', '--store', 'run')
    const factsOf = async (store: string): Promise<readonly boolean[]> => {
      const listed = await holdfast(folder, 'ls', '--store', store, '--json')
      const metrics = await holdfast(folder, 'metrics', '--store', store, '--json')
      return [listed.stdout.includes('"pinned":{'), metrics.stdout.includes('"type":"step","step":1,')]
    }
    expect((await holdfast(folder, 'copy', 'run', 'plain')).stdout).not.toContain('metrics of')
    expect(await factsOf('plain')).toEqual([false, false])
    const { stdout } = await holdfast(folder, 'copy', 'run', 'whole', '--pins', '--metrics')
    expect(stdout).toContain('1 copied, metrics of 1 deleted checkpoint · ')
    expect(await factsOf('whole')).toEqual([true, true])
  })

  test('replaces the best of an objective only with --allow-best', async () => {
    const folder = await folderWithRun(1)
    await writeFile(join(folder, 'other.bin'), 'other')
    const best = ['--metric', 'loss=0', '--objective', 'loss=loss:min']
    await holdfast(folder, 'save', 'other.bin', '--step', '1', ...best, '--store', 'backup')
    const words = ['copy', 'run', 'backup', '--replace']
    const refused = await holdfast(folder, ...words)
    expect(refused.stdout).toContain('Pass --allow-best to allow it.')
    expect(refused.code).not.toBe(0)
    expect((await holdfast(folder, ...words, '--allow-best')).code).toBe(0)
    const listed = await holdfast(folder, 'cat', '1', 'model.bin', '--store', 'backup')
    expect(listed.stdout).toBe('model of step 1')
  })

  test('reports a corrupt checkpoint with exit code 5, and copies the others', async () => {
    const folder = await folderWithRun(1, 2, 3)
    await damage(folder, 2)
    const { code, stdout } = await holdfast(folder, 'copy', 'run', 'backup')
    expect(code).toBe(5)
    expect(stdout).toContain('failed  step 2 · model.bin differs from the saved file')
    expect(stdout).toMatch(/\n2 copied, 1 failed · file:/)
    const listed = await holdfast(folder, 'ls', '--store', 'backup', '--json')
    expect(listed.stdout).not.toContain('"step":2,')
  })

  test('refuses a different checkpoint of the same step with exit code 6', async () => {
    const folder = await folderWithRun(1)
    await writeFile(join(folder, 'other.bin'), 'other')
    await holdfast(folder, 'save', 'other.bin', '--step', '1', '--store', 'backup')
    const refused = await holdfast(folder, 'copy', 'run', 'backup')
    expect(refused.code).toBe(6)
    expect(refused.stdout).toContain(
      'a different checkpoint of step 1. Pass --to-step N to give the copy another step, or --replace.\n',
    )
    expect(await holdfast(folder, 'copy', 'run', 'backup', '--replace')).toMatchObject({ code: 0 })
  })

  test('abandons what the source abandoned by a rewind, and copies what was saved again', async () => {
    const folder = await folderWithRun(8, 16, 24)
    await holdfast(folder, 'copy', 'run', 'backup')
    expect(await holdfast(folder, 'rewind', '16', '--store', 'run')).toMatchObject({ code: 0 })
    await writeFile(join(folder, 'model.bin'), 'another model')
    expect(await holdfast(folder, 'save', 'model.bin', '--step', '24', '--store', 'run')).toMatchObject({
      code: 0,
    })
    const again = await holdfast(folder, 'copy', 'run', 'backup')
    expect(again).toMatchObject({ code: 0, stderr: '' })
    expect(again.stdout).toContain('abandoned step 24 · the source went back\n')
    expect(again.stdout).toContain('\n1 copied, 2 already there')
  })

  test('applies the given retention, and not that of a configuration file, which is for the run', async () => {
    const folder = await folderWithRun(1, 2, 3)
    await writeFile(join(folder, 'holdfast.config.json'), JSON.stringify({ retention: { keepLast: 1 } }))
    expect((await holdfast(folder, 'copy', 'run', 'backup')).stdout).toContain('3 copied')
    const kept = await holdfast(folder, 'copy', 'run', 'small', '--keep-last', '2')
    expect(kept.stdout).toContain('skipped step 1 · not among the last 2')
  })

  test('refuses words that do not fit together', async () => {
    const folder = await folderWithRun(1)
    const codeOf = async (...words: readonly string[]): Promise<unknown> =>
      (await holdfast(folder, 'copy', ...words)).code
    expect(await codeOf('run')).toBe(2)
    expect(await codeOf('run', 'run')).toBe(2)
    expect(await codeOf('run', 'backup', '--store', 'x')).toBe(2)
    expect(await codeOf('run', 'backup', '1', '--missing')).toBe(2)
    expect(await codeOf('run', 'backup', '1', '--follow')).toBe(2)
    expect(await codeOf('run', 'backup', '--to-step', '4')).toBe(2)
    expect(await codeOf('run', 'backup', '9')).toBe(4)
    expect(await codeOf('nowhere', 'backup')).toBe(4)
    expect(await readdir(folder)).not.toContain('backup')
  })

  test('follows the source until it is terminated, also before its first save', async () => {
    const folder = await folderWithRun()
    const words = ['copy', 'run', 'backup', '--follow', '--poll', '0.1', '--json']
    const child = spawn(process.execPath, [main, ...words], { cwd: folder, env: environment() })
    const exit = once(child, 'exit')
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
    const notes = createInterface(child.stderr)[Symbol.asyncIterator]()
    const next = async (from = lines): Promise<unknown> => JSON.parse(String((await from.next()).value))
    expect(await next(notes)).toMatchObject({
      type: 'note',
      message: expect.stringMatching(
        /^There is no checkpoint in .*\/run yet\. .* Check the path or URL/,
      ) as string,
    })
    await save(folder, 1)
    expect(await next()).toMatchObject({ type: 'copied', step: 1 })
    await save(folder, 2)
    expect(await next()).toMatchObject({ type: 'copied', step: 2 })
    child.kill('SIGTERM')
    expect((await exit)[0]).toBe(143)
    expect((await notes.next()).value).toMatch(/Stopped\. Run the same command again to continue\./)
  })

  test.each(['INSUFFICIENT_SPACE', 'OUTCOME_UNKNOWN', 'UNAVAILABLE'])(
    'continues to follow the source after %s',
    async (code) => {
      const folder = await folderWithRun(1)
      const { child, exit, nextNote } = await following(folder, code)
      expect(await nextNote()).toBe('The bucket takes nothing. The copy continues in 1.0 s.')
      child.kill('SIGTERM')
      expect((await exit)[0]).toBe(143)
    },
  )

  test.each([
    ['FENCED', 6],
    ['UNSUPPORTED', 1],
    ['PERMISSION_DENIED', 9],
  ])('ends to follow the source after %s', async (code, exitCode) => {
    const folder = await folderWithRun(1)
    const { exit, nextNote } = await following(folder, code)
    expect(await nextNote()).toBe('holdfast: The bucket takes nothing.')
    expect((await exit)[0]).toBe(exitCode)
  })

  test('sums up what was copied before it fails', async () => {
    const folder = await folderWithRun(1, 2, 3)
    const adapter = await plantAdapterThatFailsToPut(folder, 'INSUFFICIENT_SPACE', '2-')
    const { code, stdout, stderr } = await holdfast(
      folder,
      'copy',
      'run',
      'toy://backup',
      '--adapter',
      adapter,
    )
    expect([code, stderr]).toEqual([8, expect.stringContaining('The bucket takes nothing.')])
    expect(stdout).toMatch(/^copied step 1 · .*\n1 copied · toy:\/\/backup\n$/)
  })
})

interface Following {
  readonly child: ChildProcess
  readonly exit: Promise<readonly unknown[]>
  readonly nextNote: () => Promise<unknown>
}

/** Follows the run with copies to a store that fails to put any file of a checkpoint. */
async function following(folder: string, code: string): Promise<Following> {
  const adapter = await plantAdapterThatFailsToPut(folder, code)
  const words = ['copy', 'run', 'toy://backup', '--follow', '--poll', '0.1', '--adapter', adapter]
  const child = spawn(process.execPath, [main, ...words], { cwd: folder, env: environment() })
  const notes = createInterface(child.stderr)[Symbol.asyncIterator]()
  return { child, exit: once(child, 'exit'), nextNote: async () => (await notes.next()).value }
}
