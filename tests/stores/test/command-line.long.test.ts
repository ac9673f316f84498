import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { environmentOf } from './support/open-at.ts'
import { kindsOfStore, type KindOfStore, type Place } from './support/kinds-of-store.ts'

/** The working folder of the command line. Adapters are resolved from it, as from a project that has installed them. */
const here = import.meta.dirname
const packages: Readonly<Record<string, string>> = {
  file: '@holdfast/adapter-fs',
  s3: '@holdfast/adapter-s3',
  gs: '@holdfast/adapter-gcs',
  az: '@holdfast/adapter-azure',
}
const main = join(dirname(createRequire(import.meta.url).resolve('holdfast/package.json')), 'dist/main.js')
const folder = await mkdtemp(join(tmpdir(), 'holdfast-cli-stores-'))
const big = join(folder, 'checkpoint.pth')
const bytes = randomBytes(20 * 2 ** 20)

beforeAll(async () => {
  await writeFile(big, bytes)
})

afterAll(async () => {
  await rm(folder, { recursive: true })
})

interface Outcome {
  readonly code: number | string | null
  readonly stdout: string
  readonly stderr: string
}

async function holdfast(
  { adapter }: KindOfStore,
  place: Place,
  words: readonly string[],
  input?: string,
): Promise<Outcome> {
  const named = adapter.schemes.flatMap((scheme) => packages[scheme] ?? [])
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [main, ...words, '--store', place.url, ...named.flatMap((name) => ['--adapter', name])],
      { cwd: here, env: environmentOf(place) },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : (error.code ?? null), stdout, stderr })
      },
    )
    if (input === undefined) child.stdin?.end()
    else createReadStream(input).pipe(child.stdin ?? process.stdout)
  })
}

function sha256(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}

describe.each(await kindsOfStore())('the command line on $name', (kind) => {
  // It starts about 28 processes, one after another.
  test('runs every command', { timeout: 1_200_000 }, async () => {
    const place = kind.place()
    const run = async (...words: readonly string[]): Promise<Outcome> => {
      const outcome = await holdfast(kind, place, words)
      expect(outcome, words.join(' ')).toMatchObject({ code: 0, stderr: '' })
      return outcome
    }
    expect((await run('ls')).stdout).toMatch(/No checkpoint in/)
    expect((await run('doctor')).stdout).toMatch(/conditional create +enforced/)
    const keep = ['--keep-last', '2', '--keep-best', 'loss:min']
    for (const [step, loss] of [0.5, 0.1, 0.3].entries())
      await run('save', big, '--step', String(step), '--metric', `loss=${loss}`, ...keep)
    const fromInput = await holdfast(
      kind,
      place,
      ['save', '-', '--name', 'stdin.bin', '--step', '3', '--size', String(bytes.byteLength), ...keep],
      big,
    )
    expect(fromInput).toMatchObject({ code: 0, stderr: '' })
    expect((await run('ls')).stdout).toMatch(/^STEP.*\n +3 .*\n +2 .*\n +1 .*best loss\n/)
    expect((await run('show', 'latest')).stdout).toContain(sha256(bytes))
    for (const [choice, name] of [
      ['latest', 'stdin.bin'],
      ['best:loss', 'checkpoint.pth'],
    ] as const) {
      await run('restore', choice, '--to', join(folder, choice))
      expect(sha256(await readFile(join(folder, choice, name)))).toBe(sha256(bytes))
    }
    expect((await run('verify')).stdout).toMatch(/3 checkpoints good/)
    await run('verify', '--quick')
    await run('pin', '1', '--reason', 'good')
    await run('attach', '2', '--metric', 'loss=0.05')
    expect((await run('best')).stdout).toMatch(/best loss is step 2/)
    await run('unpin', '1')
    await run('rm', '1', '--undo-for', '1d')
    await run('sweep')
    expect((await run('undo')).stdout).toMatch(/^step 1 is listed again/)
    await run('verify', '1')
    await run('rm', '1')
    await run('prune', '--keep-last', '1')
    await run('sweep')
    await run('repair')
    expect((await run('sums', '2')).stdout).toContain(sha256(bytes))
    const listed = (await run('ls', '--json')).stdout.trim().split('\n')
    expect(JSON.parse(listed.at(-1) ?? '')).toMatchObject({ type: 'result', checkpoints: 2 })
    expect(await holdfast(kind, place, ['restore', '77', '--to', folder])).toMatchObject({ code: 4 })
    expect(await holdfast(kind, place, ['save', big, '--step', '3'])).toMatchObject({ code: 6 })
  })
})
