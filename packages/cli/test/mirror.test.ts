import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { openStore } from '@holdfast/core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { plantSilentAdapter } from './failing-adapters.ts'
import { environment, exitOf, holdfast, main, type Outcome } from './holdfast.ts'
import { holdfastAt } from './shifted-clock.ts'

async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-cli-mirror-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** A folder with a configuration that names a store and a mirror. */
async function configuredFolder(): Promise<string> {
  const folder = await emptyFolder()
  const config = { store: './run', mirror: { store: './backup', retention: { keepLast: 2 } } }
  await writeFile(join(folder, 'holdfast.config.json'), JSON.stringify(config))
  return folder
}

async function save(folder: string, step: number, ...words: readonly string[]): Promise<Outcome> {
  await writeFile(join(folder, 'model.bin'), `model of step ${step}`)
  return holdfast(folder, 'save', 'model.bin', '--step', String(step), ...words)
}

function lastLine({ stdout }: Outcome): unknown {
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '')
}

async function stepsIn(folder: string, store: string): Promise<readonly number[]> {
  const { stdout } = await holdfast(folder, 'ls', '--json', '--no-config', '-s', store)
  return [...stdout.matchAll(/"type":"checkpoint","step":(\d+)/g)].map(([, step]) => Number(step))
}

describe('a mirror in the configuration', () => {
  test('gets each checkpoint before save returns, by its own retention', async () => {
    const folder = await configuredFolder()
    const first = await save(folder, 1)
    // A copy takes more than three seconds on a busy machine, which a note states.
    expect(first.stderr).toMatch(/^(waiting for the mirror .*\n)?$/)
    expect(first.stdout).toMatch(/^saved step 1 .*\nmirrored step 1 in \d+\.\d s · file:\/\/.*backup\n$/)
    expect(lastLine(await save(folder, 2, '--json'))).toMatchObject({
      command: 'save',
      mirror: { state: 'idle', newest: { step: 2 }, waiting: [], failed: [] },
    })
    await save(folder, 3)
    expect(await stepsIn(folder, 'run')).toEqual([1, 2, 3])
    expect(await stepsIn(folder, 'backup')).toEqual([2, 3])
  })

  test('is left to the next save by --no-wait', async () => {
    const folder = await configuredFolder()
    expect((await save(folder, 1, '--no-wait')).stdout).not.toContain('mirrored')
    expect((await save(folder, 2)).stdout).toContain('mirrored')
    expect(await stepsIn(folder, 'backup')).toEqual([1, 2])
  })

  test('is left to copy by --no-wait, which is stated once a second checkpoint waits', async () => {
    const folder = await configuredFolder()
    expect(await save(folder, 1, '--no-wait')).toMatchObject({ code: 0, stderr: '' })
    for (const step of [2, 3]) {
      const { code, stderr } = await save(folder, step, '--no-wait')
      expect([code, stderr.replaceAll(/file:\S+\//g, '')]).toEqual([
        0,
        `${step} checkpoints (${15 * step} B) wait for the mirror backup. Saves with --no-wait copy nothing: run holdfast copy run backup --follow beside them.\n`,
      ])
    }
    const copied = await holdfast(folder, 'copy', 'run', 'backup', '--keep-last', '2')
    expect(copied).toMatchObject({ code: 0, stderr: '' })
    expect(copied.stdout).toMatch(/\n2 copied, 1 skipped · file:.*backup\n$/)
    expect(await stepsIn(folder, 'backup')).toEqual([2, 3])
    expect(lastLine(await holdfast(folder, 'status', '--json'))).toMatchObject({
      mirror: { newest: { step: 3 }, waiting: [] },
    })
    expect((await save(folder, 4)).stdout).toContain('mirrored step 4')
  })

  test('is followed by copy --follow while others save', async () => {
    const folder = await configuredFolder()
    await save(folder, 1, '--no-wait')
    const words = ['copy', 'run', 'backup', '--follow', '--poll', '0.1', '--json']
    const child = spawn(process.execPath, [main, ...words], { cwd: folder, env: environment() })
    const exit = once(child, 'exit')
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
    const next = async (): Promise<unknown> => JSON.parse(String((await lines.next()).value))
    expect(await next()).toMatchObject({ type: 'copied', step: 1 })
    await save(folder, 2, '--no-wait')
    expect(await next()).toMatchObject({ type: 'copied', step: 2 })
    child.kill('SIGTERM')
    expect((await exit)[0]).toBe(143)
    expect((await save(folder, 3)).stdout).toContain('mirrored step 3')
  })

  test('is left to copy --take-over after the process was killed that owns the store', async () => {
    const folder = await emptyFolder()
    const [run, backup] = [join(folder, 'run'), join(folder, 'backup')]
    const killed = await openStore(run, { config: false, mirror: { store: backup, flushLimit: 0 } })
    onTestFinished(() => killed.close())
    await killed.save({ step: 1, files: { 'model.bin': Buffer.from('model') } })
    const refused = await holdfast(folder, 'copy', 'run', 'backup')
    expect([refused.code, refused.stderr]).toEqual([
      6,
      expect.stringMatching(
        /if that process was killed\. If that writer has ended or must stop, pass --take-over\. It can then save nothing more\.\n$/,
      ),
    ])
    expect(await holdfast(folder, 'copy', 'run', 'backup', '--take-over')).toMatchObject({
      code: 0,
      stderr: '',
    })
    expect(await stepsIn(folder, 'backup')).toEqual([1])
    expect(lastLine(await holdfast(folder, 'status', '--json', '-s', 'run'))).toMatchObject({
      mirror: { newest: { step: 1 }, waiting: [] },
    })
  })

  test('brings a checkpoint back after the disk is lost', async () => {
    const folder = await configuredFolder()
    await save(folder, 1)
    await rm(join(folder, 'run'), { recursive: true })
    const restored = await holdfast(folder, 'restore', 'latest', '--to', 'out')
    expect(restored).toMatchObject({ code: 0, stderr: '' })
    expect(restored.stdout).toMatch(
      /^The store has no checkpoints, and the mirror has some\. Restoring from file:.*backup\nrestored step 1/,
    )
    expect(await readFile(join(folder, 'out/model.bin'), 'utf8')).toBe('model of step 1')
    await save(folder, 2)
    expect(await stepsIn(folder, 'backup')).toEqual([1, 2])
  })

  test('replaces a corrupt checkpoint of the store, and restore prints that', async () => {
    const folder = await configuredFolder()
    await save(folder, 1)
    const path = (await holdfast(folder, 'path', '1', 'model.bin')).stdout.trim()
    await chmod(path, 0o600)
    await writeFile(path, 'model of step X')
    const expected = /^Step 1 is corrupt in the store: .*[^.]\. Restoring from file:.*backup\nrestored step 1/
    const restored = await holdfast(folder, 'restore', 'latest', '--to', 'out')
    expect(restored).toMatchObject({ code: 0, stderr: '' })
    expect(restored.stdout).toMatch(expected)
    const fallenBack = await holdfast(folder, 'restore', 'latest', '--to', 'out', '--fallback')
    expect(fallenBack.stdout).toMatch(expected)
    expect([fallenBack.code, fallenBack.stderr]).toEqual([
      0,
      expect.stringMatching(/^step 1 is quarantined in file:.*run; nothing was deleted\.\n$/),
    ])
    expect(await readFile(join(folder, 'out/model.bin'), 'utf8')).toBe('model of step 1')
  })

  test.each<[string, readonly string[]]>([
    ['with --if-any', ['latest', '--if-any']],
    ['without it', ['latest']],
    ['for the best checkpoint', ['best', '--if-any']],
    ['for a step', ['1', '--if-any']],
  ])('that cannot be read fails the restore into an empty store, %s', async (_, words) => {
    const folder = await configuredFolder()
    await save(folder, 1)
    await rm(join(folder, 'run'), { recursive: true })
    await writeFile(join(folder, 'backup/holdfast.json'), 'damaged')
    const { code, stdout, stderr } = await holdfast(folder, 'restore', ...words, '--to', 'out', '--fallback')
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/^holdfast: The store has no .*, and the mirror cannot be read, so nothing shows/)
    expect(stderr).not.toContain('--if-any')
  })

  test('is not used with --no-mirror', async () => {
    const folder = await configuredFolder()
    await save(folder, 1, '--no-mirror')
    expect(await stepsIn(folder, 'backup')).toEqual([])
  })

  test('that cannot be written fails no save, and is noted once', async () => {
    const folder = await configuredFolder()
    await mkdir(join(folder, 'backup'))
    await writeFile(join(folder, 'backup/catalog'), 'a file, not a folder')
    const { code, stdout, stderr } = await save(folder, 1)
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^saved step 1 /)])
    expect(stderr.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/catalog is a file, but must be a folder\..* the mirror lacks some of them\.$/),
      expect.stringMatching(/^1 checkpoint \(15 B\) waits for the mirror file:.*backup\.$/),
    ])
  })
})

describe('a mirror that never answers', () => {
  /** The words that name a silent mirror. */
  async function silentMirror(folder: string): Promise<readonly string[]> {
    return [
      '-s',
      'run',
      '--no-config',
      '--mirror',
      'toy://silent/m',
      '--adapter',
      await plantSilentAdapter(folder),
    ]
  }

  test('delays the restore of a checkpoint that the store has by 10 seconds, and is noted', async () => {
    const folder = await emptyFolder()
    await save(folder, 1, '-s', 'run')
    const words = ['restore', 'latest', '--to', 'out', '--fallback', ...(await silentMirror(folder))]
    const { code, stdout, stderr } = await holdfast(folder, ...words)
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^restored step 1 /)])
    expect(stderr).toBe(
      'waiting for the mirror toy://silent/m\n' +
        'The mirror could not be read, so its checkpoints are not considered: It did not answer within 10 seconds.\n',
    )
  })

  test.each([[[]], [['--json']]])(
    'still waits for a save that Ctrl-C ends, and save %j notes that',
    async (json) => {
      const folder = await emptyFolder()
      await writeFile(join(folder, 'model.bin'), 'model')
      const words = ['save', 'model.bin', '--step', '1', ...(await silentMirror(folder)), ...json]
      const child = spawn(process.execPath, [main, ...words], { cwd: folder, env: environment() })
      const exit = exitOf(child)
      let [stdout, stderr] = ['', '']
      child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
      child.stderr.on('data', (chunk: Buffer) => {
        stderr += chunk.toString()
        if (stderr.includes('waiting for the mirror')) child.kill('SIGINT')
      })
      expect(await exit).toBe(0)
      expect(stderr).toMatch(
        /Stopped waiting for the mirror toy:\/\/silent\/m\. Step 1 is saved in file:.*run\. The next save or run copies it/,
      )
      if (json.length > 0) expect(JSON.parse(stdout)).toMatchObject({ command: 'save', step: 1 })
      expect((await save(folder, 2, '-s', 'run', '--mirror', 'other')).stdout).toContain('mirrored steps 1')
    },
  )
})

describe('a mirror to which nothing can be copied', () => {
  test.each(['store', './other/../store/', 'link', 'store/inside', 'link/not/yet', 'model.bin'])(
    'is refused before the save: %s',
    async (mirror) => {
      const folder = await emptyFolder()
      expect(await save(folder, 1, '-s', 'store')).toMatchObject({ code: 0 })
      await symlink('store', join(folder, 'link'))
      const refused = {
        code: 2,
        stdout: '',
        stderr: expect.stringMatching(/^holdfast: .* Name another place for the mirror\.$/m) as string,
      }
      for (const named of [mirror, pathToFileURL(join(folder, mirror)).href])
        expect(await save(folder, 2, '-s', 'store', '--mirror', named)).toMatchObject(refused)
      const config = { store: 'store', mirror: { store: mirror } }
      await writeFile(join(folder, 'holdfast.config.json'), JSON.stringify(config))
      expect(await save(folder, 2)).toMatchObject(refused)
      const run = ['run', '--watch', 'out', '--pattern', 'step_{step}/', '--', 'touch', 'started']
      expect(await holdfast(folder, ...run)).toMatchObject(refused)
      expect(existsSync(join(folder, 'started'))).toBe(false)
      expect(await stepsIn(folder, 'store')).toEqual([1])
    },
  )

  test('is refused before the first save, which then creates no store', async () => {
    const folder = await emptyFolder()
    expect(await save(folder, 1, '-s', 'store', '--mirror', 'store')).toMatchObject({ code: 2 })
    expect(existsSync(join(folder, 'store'))).toBe(false)
  })
})

describe('--mirror', () => {
  test('names a mirror, which another store takes over only if it is told to', async () => {
    const folder = await emptyFolder()
    expect((await save(folder, 1, '-s', 'a', '--mirror', 'backup')).stdout).toContain('mirrored step 1')
    const other = await save(folder, 7, '-s', 'b', '--mirror', 'backup')
    expect(other).toMatchObject({ code: 0, stderr: expect.stringContaining('--take-over-mirror') as string })
    const told = await save(folder, 8, '-s', 'b', '--mirror', 'backup', '--take-over-mirror')
    expect(told).toMatchObject({ code: 0, stderr: '' })
    expect(await stepsIn(folder, 'backup')).toEqual([1, 7, 8])
  })
})

test('is refused for a job of many ranks, and not ignored', async () => {
  const folder = await configuredFolder()
  const ofRank = ['--rank', '0', '--world-size', '2']
  const refused = await save(folder, 1, ...ofRank)
  expect(refused).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(
      /^holdfast: A store with ranks has no mirror.* holdfast copy .* --follow/,
    ) as string,
  })
  const named = await save(folder, 1, ...ofRank, '-s', 'other', '--no-config', '--mirror', 'backup')
  expect(named.code).toBe(2)
})

describe('status', () => {
  test('shows the latest checkpoint and how far the mirror is', async () => {
    const folder = await configuredFolder()
    expect(await holdfast(folder, 'status')).toMatchObject({ code: 4 })
    await save(folder, 1)
    await save(folder, 2, '--no-wait')
    await save(folder, 3, '--no-mirror')
    const { code, stdout } = await holdfast(folder, 'status')
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(
        /^latest step 3, .* · mirror: 1, .* \(2 waiting, 30 B\) · .* free.* · file:\/\/.*run\n$/,
      ),
    ])
    expect(lastLine(await holdfast(folder, 'status', '--json'))).toMatchObject({
      command: 'status',
      latest: { step: 3 },
      mirror: { newest: { step: 1 }, waiting: [{ step: 2 }, { step: 3 }] },
      tooOld: false,
    })
  })

  test('exits with 11 if the latest checkpoint or the mirror is too old', async () => {
    const folder = await configuredFolder()
    await save(folder, 1)
    expect(await holdfast(folder, 'status', '--max-age', '2h')).toMatchObject({ code: 0, stderr: '' })
    const late = await holdfast(folder, 'status', '--max-age', '0s')
    expect(late).toMatchObject({ code: 11, stderr: 'The latest checkpoint is older than 0.0 s.\n' })
    expect(await holdfast(folder, 'status', '--max-age', 'soon')).toMatchObject({ code: 2 })
  })

  test('exits with 11 if only the mirror is too old', async () => {
    const folder = await configuredFolder()
    await writeFile(join(folder, 'model.bin'), 'model of step 1')
    const old = await holdfastAt(folder, -5, 'save', 'model.bin', '--step', '1')
    expect(old.stdout).toContain('mirrored step 1')
    await save(folder, 2, '--no-wait')
    expect(await holdfast(folder, 'status', '--max-age', '2h')).toMatchObject({
      code: 11,
      stderr: 'The latest checkpoint of the mirror is older than 2 h.\n',
    })
    await save(folder, 3)
    expect(await holdfast(folder, 'status', '--max-age', '2h')).toMatchObject({ code: 0, stderr: '' })
  })

  test('shows that the mirror fails, and nothing once it works again', async () => {
    const folder = await configuredFolder()
    await save(folder, 1)
    await rename(join(folder, 'backup'), join(folder, 'elsewhere'))
    await mkdir(join(folder, 'backup'))
    await writeFile(join(folder, 'backup/catalog'), 'a file, not a folder')
    await save(folder, 2)
    const failing = await holdfast(folder, 'status', '--max-age', '2h')
    expect(failing).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(
        /^The mirror failed, .*: .*catalog is a file, but must be a folder/,
      ) as string,
    })
    expect(lastLine(await holdfast(folder, 'status', '--json'))).toMatchObject({
      mirror: {
        state: 'failing',
        error: {
          code: expect.any(String) as string,
          message: expect.stringContaining('is a file') as string,
        },
      },
    })
    await rm(join(folder, 'backup'), { recursive: true })
    await rename(join(folder, 'elsewhere'), join(folder, 'backup'))
    await save(folder, 3)
    const { code, stdout, stderr } = await holdfast(folder, 'status', '--json')
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).not.toContain('"state"')
  })

  test('exits with 11 if another store took the mirror over', async () => {
    const folder = await configuredFolder()
    await save(folder, 1)
    await save(folder, 7, '-s', 'other', '--no-config', '--mirror', 'backup', '--take-over-mirror')
    await save(folder, 2)
    const lost = await holdfast(folder, 'status', '--max-age', '1d')
    expect(lost).toMatchObject({
      code: 11,
      stderr: expect.stringMatching(/^Another store has taken the mirror over, .*: The mirror /) as string,
    })
    expect(await holdfast(folder, 'status')).toMatchObject({ code: 0 })
  })

  test('names a mirror that never got a checkpoint, and forgets it on request', async () => {
    const folder = await configuredFolder()
    await mkdir(join(folder, 'backup'))
    await writeFile(join(folder, 'backup/catalog'), 'a file, not a folder')
    await save(folder, 1)
    const late = await holdfast(folder, 'status', '--max-age', '1d')
    expect(late).toMatchObject({
      code: 11,
      stderr: expect.stringContaining('The mirror has no checkpoint of this store yet.\n') as string,
    })
    expect((await holdfast(folder, 'status', '--forget-mirror')).stdout).not.toContain('mirror:')
    expect(await holdfast(folder, 'status', '--max-age', '1d')).toMatchObject({ code: 0 })
  })
})
