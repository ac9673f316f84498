import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { environment, holdfast, main, type Outcome, exitOf, untilMore } from './holdfast.ts'

const base = await mkdtemp(join(tmpdir(), 'holdfast-cli-'))
let folders = 0

afterAll(async () => {
  await rm(base, { recursive: true })
})

/** Creates a folder with a checkpoint file. */
async function workFolder(): Promise<string> {
  folders += 1
  const folder = join(base, String(folders))
  await mkdir(folder)
  await writeFile(join(folder, 'checkpoint.pth'), randomBytes(100_000))
  return folder
}

/** Creates the store that most commands in this file use. */
async function onStore(folder: string, ...words: readonly string[]): Promise<Outcome> {
  return words[0] === 'copy' ? holdfast(folder, ...words) : holdfast(folder, '--store', './store', ...words)
}

function lastLine(text: string): Record<string, unknown> {
  return JSON.parse(text.trim().split('\n').at(-1) ?? '') as Record<string, unknown>
}

describe('the commands', () => {
  test('save, list, show, restore, verify, pin, delete, sweep, repair and diagnose a checkpoint', async () => {
    const folder = await workFolder()
    const sha256 = createHash('sha256')
      .update(await readFile(join(folder, 'checkpoint.pth')))
      .digest('hex')
    const words = [
      '--epoch',
      '4',
      '--metric',
      'val_loss=0.183',
      '--metric',
      'odd=nan',
      '--tag',
      'good',
      '--meta',
      'lr=0.1',
      '--data-state',
      '{"position":640}',
    ]
    const saved = await onStore(folder, 'save', 'checkpoint.pth', '--step', '42', ...words)
    expect(saved.stdout).toMatch(/^saved step 42 · 100 KB in \d+\.\d s · sha256 [0-9a-f]{4}…[0-9a-f]{2}\n$/)
    expect(saved.code).toBe(0)
    await onStore(folder, 'save', 'checkpoint.pth', '--step', '43', '--metric', 'val_loss=0.2')

    const listed = await onStore(folder, 'ls', '--objective', 'loss=val_loss:min')
    expect(listed.stdout).toMatch(/^STEP +EPOCH +SIZE +SAVED +val_loss +odd +NOTES\n/)
    expect(listed.stdout).toMatch(/\n +42 +4 +100 KB +.*0\.183 +NaN +best loss, #good\n/)
    expect(listed.stdout).toMatch(/\n2 checkpoints · 200 KB · .* free · file:\/\/.*\/store\n$/)

    expect((await onStore(folder, 'show', '42')).stdout).toContain(`checkpoint.pth  100 KB  ${sha256}`)
    expect(lastLine((await onStore(folder, 'show', '42', '--json')).stdout)).toMatchObject({
      metadata: { lr: 0.1 },
      dataState: { position: 640 },
    })
    const restored = await onStore(folder, 'restore', 'best', '--to', 'out', '--objective', 'val_loss:min')
    expect(restored.stdout).toMatch(/^restored step 42 · 100 KB in .*, verified · out\/checkpoint\.pth\n$/)
    expect(await readFile(join(folder, 'out', 'checkpoint.pth'))).toEqual(
      await readFile(join(folder, 'checkpoint.pth')),
    )
    expect((await onStore(folder, 'sums', '42')).stdout).toBe(`${sha256}  checkpoint.pth\n`)
    expect((await onStore(folder, 'verify')).stdout).toMatch(/^2 checkpoints good · 200 KB read in/)
    expect((await onStore(folder, 'verify', '42', '--quick')).stdout).toMatch(
      /^1 checkpoint good · 100 KB checked in/,
    )

    expect((await onStore(folder, 'pin', '42', '--reason', 'before lr drop')).stdout).toBe(
      'pinned step 42 · before lr drop\n',
    )
    expect((await onStore(folder, 'ls')).stdout).toContain('pinned "before lr drop"')
    expect(await onStore(folder, 'rm', '42')).toMatchObject({
      code: 2,
      stderr: 'holdfast: Step 42 is pinned. Unpin it first.\n',
    })
    expect((await onStore(folder, 'unpin', '42')).code).toBe(0)
    expect((await onStore(folder, 'rm', '42')).stdout).toBe('dropped step 42 · deleted by hand\n')
    expect((await onStore(folder, 'sweep')).stdout).toMatch(
      /^deleted 0 unfinished or dropped checkpoints, 0 B/,
    )
    expect((await onStore(folder, 'repair')).stdout).toBe('nothing else to repair\n')
    expect((await onStore(folder, 'doctor')).stdout).toMatch(/✓ conditional create +enforced/)
    const { stdout: path } = await onStore(folder, 'path', 'latest', 'checkpoint.pth')
    expect(await readFile(path.trim())).toEqual(await readFile(join(folder, 'checkpoint.pth')))
  })

  test('save standard input, and several files and folders', async () => {
    const folder = await workFolder()
    await mkdir(join(folder, 'model'))
    await writeFile(join(folder, 'model', 'weights.bin'), 'weights')
    const child = spawn(
      process.execPath,
      [main, 'save', '-', '--name', 'dump.sql', 'model', '--step', '1', '-s', 'store', '--until-eof'],
      {
        cwd: folder,
        env: environment(),
      },
    )
    child.stdin.end('a dump of unknown length')
    expect(await exitOf(child)).toBe(0)
    const { stdout } = await onStore(folder, 'sums')
    expect(stdout).toMatch(/^[0-9a-f]{64} {2}dump\.sql\n[0-9a-f]{64} {2}model\/weights\.bin\n$/)
    await writeFile(join(folder, 'model', 'checkpoint.pth'), 'x')
    const clash = await onStore(folder, 'save', 'checkpoint.pth', 'model/checkpoint.pth', '--step', '2')
    expect(clash).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Two of the files are named checkpoint.pth') as string,
    })
  })
})

describe('a corrupt checkpoint', () => {
  test('is reported, refused, and skipped with --fallback', async () => {
    const folder = await workFolder()
    for (const step of ['41', '42']) await onStore(folder, 'save', 'checkpoint.pth', '--step', step)
    const { stdout: path } = await onStore(folder, 'path', '42', 'checkpoint.pth')
    await chmod(path.trim(), 0o600)
    await writeFile(path.trim(), randomBytes(100_000))
    expect(await onStore(folder, 'verify')).toMatchObject({ code: 5 })
    const refused = await onStore(folder, 'restore', 'latest', '--to', 'out')
    expect(refused).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('Pass --fallback') as string,
    })
    await expect(readdir(join(folder, 'out'))).rejects.toThrow('ENOENT')
    const restored = await onStore(folder, 'restore', 'latest', '--to', 'out', '--fallback')
    expect(restored).toMatchObject({
      code: 0,
      stderr:
        'step 42 is corrupt: checkpoint.pth differs from the saved file. It is quarantined; nothing was deleted.\n',
    })
    expect(restored.stdout).toMatch(/^restored step 41/)
    expect((await onStore(folder, 'ls')).stdout).toContain('step 42 is quarantined')
    expect((await onStore(folder, 'path', '42', 'checkpoint.pth')).stderr).toContain('holdfast verify 42')
  })
})

describe('exit codes', () => {
  test.each<[string, number, readonly string[]]>([
    ['no such step', 4, ['restore', '9', '--to', 'out']],
    ['an empty store', 4, ['--store', './other', 'restore', '--to', 'out']],
    ['a store that does not exist', 4, ['--store', './mistyped', 'verify']],
    ['a missing file of a checkpoint', 4, ['path', '1', 'nothing']],
    ['a step that exists', 6, ['save', 'checkpoint.pth', '--step', '1', '--tag', 'other']],
    ['an unknown command', 2, ['sav']],
    ['an unknown option', 2, ['save', 'checkpoint.pth', '--stepp', '3']],
    ['an option that is missing', 2, ['save', 'checkpoint.pth']],
    ['a file to save that does not exist', 2, ['save', 'no-such-file', '--step', '1']],
    ['an invalid step', 2, ['save', 'checkpoint.pth', '--step', 'x1']],
    ['an invalid metric', 2, ['save', 'checkpoint.pth', '--step', '9', '--metric', 'loss=low']],
    ['an unknown scheme', 2, ['--store', 'ftp://host/x', 'ls']],
    ['an adapter that is not installed', 2, ['--store', 's3://bucket/x', 'ls']],
    ['the last good checkpoint', 2, ['rm', '1']],
    ['an invalid choice', 2, ['show', 'newest']],
    ['a missing objective', 2, ['show', 'best']],
  ])('for %s is %i', async (_, code, words) => {
    const folder = await workFolder()
    await onStore(folder, 'save', 'checkpoint.pth', '--step', '1')
    const chosen = words[0] === '--store' ? words : ['--store', './store', ...words]
    const outcome = await holdfast(folder, ...chosen)
    expect(outcome).toMatchObject({ code, stdout: '' })
    expect(outcome.stderr).not.toBe('')
    const json = await holdfast(folder, ...chosen, '--json')
    expect(json.code).toBe(code)
    expect(lastLine(json.stderr)).toMatchObject({ type: 'error', exitCode: code })
  })

  test('come with the nearest name for a misspelt command or option, and the package of a missing adapter', async () => {
    const folder = await workFolder()
    expect((await onStore(folder, 'sav')).stderr).toContain('Did you mean save?')
    expect((await onStore(folder, 'save', 'x', '--stepp', '3')).stderr).toContain('Did you mean --step?')
    expect((await holdfast(folder, 'ls', '-s', 'gs://bucket/x')).stderr).toBe(
      'holdfast: gs:// requires @holdfast/adapter-gcs. Run: npm install @holdfast/adapter-gcs\n',
    )
  })

  test('show a refusal by an exclusive owner, which --take-over ends', async () => {
    const folder = await workFolder()
    const { openStore } = await import('@holdfast/core')
    await using owner = await openStore(join(folder, 'store'))
    await owner.save({ step: 1, files: { a: Buffer.from('a') } })
    const refused = await onStore(folder, 'pin', '1')
    expect(refused).toMatchObject({ code: 6, stderr: expect.stringContaining('--take-over') as string })
    expect((await onStore(folder, 'ls')).code).toBe(0)
    expect((await onStore(folder, 'pin', '1', '--take-over')).code).toBe(0)
    await expect(owner.save({ step: 2, files: { a: Buffer.from('a') } })).rejects.toThrow(
      'Nothing was changed. Another writer took the store over',
    )
  })
})

describe('a signal', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s during a save ends the command with %i and leaves no file', async (signal, code) => {
    const folder = await workFolder()
    await onStore(folder, 'save', 'checkpoint.pth', '--step', '1')
    const before = (await readdir(join(folder, 'store'), { recursive: true })).toSorted()
    const child = spawn(
      process.execPath,
      [main, 'save', '-', '--step', '2', '-s', 'store', '--until-eof', '--grace', '0'],
      {
        cwd: folder,
        env: environment(),
      },
    )
    child.stdin.on('error', () => undefined) // it leaves before it has read all
    child.stdin.write(Buffer.alloc(9_000_000))
    await untilMore(join(folder, 'store'), before.length)
    let said = ''
    child.stderr.on('data', (text: Buffer) => (said += text.toString()))
    child.kill(signal)
    expect(await exitOf(child)).toBe(code)
    expect(said).toBe('holdfast: Stopped. Nothing was saved.\n')
    expect((await readdir(join(folder, 'store'), { recursive: true })).toSorted()).toEqual(before)
  })
})

describe('--json', () => {
  test('prints lines of JSON, the result last, and NaN as a string', async () => {
    const folder = await workFolder()
    const saved = await onStore(
      folder,
      'save',
      'checkpoint.pth',
      '--step',
      '1',
      '--metric',
      'loss=NaN',
      '--json',
    )
    expect(lastLine(saved.stdout)).toMatchObject({
      type: 'result',
      command: 'save',
      step: 1,
      bytes: 100_000,
      metrics: { loss: 'NaN' },
    })
    const { stdout } = await onStore(folder, 'ls', '--json')
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(lines.map(({ type }) => type)).toEqual(['checkpoint', 'result'])
    for (const command of [
      ['verify'],
      ['show'],
      ['sums'],
      ['doctor'],
      ['sweep'],
      ['repair'],
      ['pin', '1'],
      ['restore', '--to', 'out'],
    ]) {
      const outcome = await onStore(folder, ...command, '--json')
      expect(lastLine(outcome.stdout)).toMatchObject({ type: 'result', command: command[0] })
    }
  })
})

describe('the store', () => {
  test('comes from the option, then the environment, then the nearest configuration file upwards', async () => {
    const folder = await workFolder()
    await mkdir(join(folder, 'deep', 'er'), { recursive: true })
    const config = { store: './configured', objectives: { loss: { metric: 'val_loss', direction: 'min' } } }
    await writeFile(join(folder, 'holdfast.config.json'), JSON.stringify(config))
    await holdfast(
      join(folder, 'deep', 'er'),
      'save',
      '../../checkpoint.pth',
      '--step',
      '1',
      '--metric',
      'val_loss=1',
    )
    expect(await readdir(join(folder, 'configured'))).toContain('holdfast.json')
    expect((await holdfast(join(folder, 'deep'), 'ls')).stdout).toContain('best loss')
  })

  test('comes from a configuration in TypeScript', async () => {
    const folder = await workFolder()
    await writeFile(
      join(folder, 'holdfast.config.ts'),
      "const store: string = './typed'\nexport default { store }\n",
    )
    await holdfast(folder, 'save', 'checkpoint.pth', '--step', '1')
    expect(await readdir(join(folder, 'typed'))).toContain('holdfast.json')
  })

  test.each([
    ['{ "stor": "./x" }', 'stor'],
    ['{ "objectives": { "a": { "metric": "b", "direction": "up" } } }', 'direction'],
    ['{ not json', 'cannot be read'],
  ])('is not opened with an invalid configuration: %s', async (text, named) => {
    const folder = await workFolder()
    await writeFile(join(folder, 'holdfast.config.json'), text)
    expect(await holdfast(folder, 'ls')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(named) as string,
    })
  })
})

describe('help', () => {
  test('contains the exit codes, and an example for every command', async () => {
    const folder = await workFolder()
    const { stdout } = await holdfast(folder, '--help')
    expect(stdout).toContain('7  outcome unknown')
    const commands = [...stdout.matchAll(/^ {2}([a-z]+) .*\S/gm)]
      .map(([, name = '']) => name)
      .filter((name) => name !== 'help')
    expect(commands.length).toBeGreaterThanOrEqual(13)
    for (const command of commands) {
      expect((await holdfast(folder, command, '--help')).stdout, command).toMatch(
        /Example:\n {2}\$ .*holdfast/,
      )
    }
  })

  test('is the same for a command that comes first and for one after an option', async () => {
    for (const words of [
      ['save', '--help'],
      ['save', '--stepp'],
      ['ls', 'x'],
    ]) {
      expect(await holdfast(base, '--take-over', ...words), words.join(' ')).toEqual(
        await holdfast(base, ...words),
      )
    }
  })

  test('prints the version of the package with --version', async () => {
    const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')) as {
      version: string
    }
    for (const words of [['--version'], ['-V'], ['--json', '-V']])
      expect(await holdfast(base, ...words)).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
  })
})

test('doctor removes the folders that it created, and keeps existing ones', async () => {
  const folder = await workFolder()
  await mkdir(join(folder, 'empty'))
  for (const store of ['not/there', 'empty', 'empty/yet'])
    expect(await holdfast(folder, 'doctor', '-s', store)).toMatchObject({ code: 0, stderr: '' })
  expect((await readdir(folder, { recursive: true })).toSorted()).toEqual(['checkpoint.pth', 'empty'])
})

test('names a catalog that is a symbolic link, and does not call it lost', async () => {
  const folder = await workFolder()
  await onStore(folder, 'save', 'checkpoint.pth', '--step', '1')
  await rename(join(folder, 'store', 'catalog'), join(folder, 'elsewhere'))
  await symlink(join(folder, 'elsewhere'), join(folder, 'store', 'catalog'))
  for (const words of [
    ['ls'],
    ['restore', '--to', 'out', '--fallback'],
    ['repair'],
    ['save', 'checkpoint.pth', '--step', '2'],
  ]) {
    const { code, stderr } = await onStore(folder, ...words)
    expect([words, code]).toEqual([words, words[0] === 'save' ? expect.any(Number) : 5])
    expect(stderr, words.join(' ')).toContain(
      'catalog is a symbolic link, which could lead out of the store. Remove it.',
    )
    expect(stderr).not.toContain('lost')
  }
  expect(await readdir(join(folder, 'elsewhere'))).toHaveLength(2)
})

test('every command that does not save reports a lost catalog with exit code 5', async () => {
  const folder = await workFolder()
  await onStore(folder, 'save', 'checkpoint.pth', '--step', '1', '--metric', 'loss=1')
  await rm(join(folder, 'store', 'catalog'), { recursive: true })
  const commands = [
    'ls',
    'show',
    'show 1',
    'stats',
    'status',
    'best',
    'prune --keep-last 1',
    'prune --keep-last 1 --dry-run',
    'metrics',
    'report',
    'pin 1',
    'unpin 1',
    'attach 1 --metric loss=2',
    'rm 1',
    'undo',
    'sweep',
    'sums',
    'path latest checkpoint.pth',
    'cat latest checkpoint.pth',
    'diff 1 latest',
    'copy ./store other',
    'restore --to out',
    'verify',
  ]
  for (const command of commands) {
    const { code, stdout, stderr } = await onStore(folder, ...command.split(' '))
    const isReported = /catalog .*is lost/.test(stdout + stderr)
    expect({ command, code, isReported }).toEqual({ command, code: 5, isReported: true })
  }
  expect((await onStore(folder, 'repair')).code).toBe(0)
  expect((await onStore(folder, 'show', '1')).code).toBe(0)
})
