import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { separateWords, streamedInputOptions } from '../src/streams/streamed-input.ts'
import { environment, holdfast, main, type Outcome } from './holdfast.ts'
import { workFolder } from './work-folder.ts'

/** Runs a line of shell in which `$save` saves standard input as step 1. */
async function shell(folder: string, line: string): Promise<Outcome> {
  const env = { ...environment(), save: `${process.execPath} ${main} -s store save - --name w.bin --step 1` }
  return new Promise((resolve) => {
    execFile('bash', ['-c', line], { cwd: folder, env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : (error.code ?? null), stdout, stderr })
    })
  })
}

/** The files of all attempts in the store, with their contents, except manifests. */
async function savedFiles(folder: string): Promise<Readonly<Record<string, string>>> {
  const names = await readdir(join(folder, 'store', 'data'), { recursive: true, withFileTypes: true })
  const files = names.filter((entry) => entry.isFile() && entry.name !== 'manifest.json')
  return Object.fromEntries(
    await Promise.all(
      files.map(
        async ({ name, parentPath }) => [name, await readFile(join(parentPath, name), 'utf8')] as const,
      ),
    ),
  )
}

const ofAbc = createHash('sha256').update('abc').digest('hex')

test.each([
  'printf abc | $save --until-eof',
  `printf abc | $save --size 3 --sha256 ${ofAbc.toUpperCase()}`,
  '$save --from-command --size 3B -- sh -c "printf a; printf b; printf c"',
])('saves all bytes: %s', async (line) => {
  const folder = await workFolder({})
  expect(await shell(folder, line)).toMatchObject({ code: 0, stderr: '' })
  expect(await savedFiles(folder)).toEqual({ 'w.bin': 'abc' })
})

test.each([
  ['a stream that is cut', 'printf ab | $save --size 3', 2, /2 of the announced 3 bytes/],
  ['a stream that is too long', 'printf abcd | $save --size 3', 2, /3 bytes/],
  ['other bytes', `printf abd | $save --sha256 ${ofAbc}`, 2, /SHA-256/],
  ['a command that fails', '$save --from-command -- sh -c "printf abc; exit 3"', 1, /exited with 3/],
  ['a command that is killed', '$save --from-command -- sh -c "printf abc; kill -9 \\$\\$"', 1, /SIGKILL/],
  ['a command that writes nothing', '$save --from-command -- true', 2, /wrote nothing/],
  ['a command that does not exist', '$save --from-command -- no-such-program', 2, /no such program/],
  [
    'a command below a file',
    '$save --from-command -- /etc/passwd/program',
    2,
    /could not be started: .*ENOTDIR/,
  ],
  [
    'a command that closes its output and then fails',
    '$save --from-command -- sh -c "printf abc; exec >&-; exit 4"',
    1,
    /exited with 4/,
  ],
])('saves nothing of %s', async (_, line, code, message) => {
  const folder = await workFolder({})
  const outcome = await shell(folder, line)
  expect([outcome.code, outcome.stderr]).toEqual([code, expect.stringMatching(message)])
  expect(outcome.stderr.trimEnd().split('\n')).toHaveLength(1)
  const left = await readdir(folder, { recursive: true })
  expect(left.filter((name) => /data.*-/.test(name))).toEqual([])
})

test('--size 0 saves an empty file', async () => {
  const folder = await workFolder({})
  expect(await shell(folder, ': | $save --size 0')).toMatchObject({ code: 0 })
  expect(await savedFiles(folder)).toEqual({ 'w.bin': '' })
})

test('--from-command saves other files beside the output of the command', async () => {
  const folder = await workFolder({})
  await writeFile(join(folder, 'config.json'), '{}')
  const words = ['save', 'config.json', '--step', '1', '--from-command', '--', 'echo', '--json', '-x']
  expect(await holdfast(folder, '-s', 'store', ...words)).toMatchObject({ code: 0 })
  expect(await savedFiles(folder)).toEqual({ 'config.json': '{}', stdin: '--json -x\n' })
})

test.each(['yes | $save --until-eof', '$save --from-command -- yes'])(
  'ends at once if the step exists: %s',
  async (line) => {
    const folder = await workFolder({})
    expect(await shell(folder, ': | $save --size 0')).toMatchObject({ code: 0 })
    expect(await shell(folder, line)).toMatchObject({ code: 6 })
  },
)

test('--from-command does not run the command if another writer owns the store', async () => {
  const folder = await workFolder()
  const on = (...words: readonly string[]) => holdfast(folder, '-s', 'store', 'save', ...words)
  await on('w.bin', '--step', '1', '--job', 'other')
  const refused = await on('-', '--step', '2', '--from-command', '--', 'sh', '-c', 'touch ran; exit 3')
  expect(refused).toMatchObject({
    code: 6,
    stderr: expect.stringContaining('The store belongs to') as string,
  })
  expect(await readdir(folder)).not.toContain('ran')
})

describe('options that say where standard input ends', () => {
  const none = { size: undefined, sha256: undefined, fromCommand: undefined, untilEof: undefined }

  test('are required for standard input', async () => {
    const folder = await workFolder({})
    const { code, stderr } = await shell(folder, 'printf abc | $save')
    expect(code).toBe(2)
    expect(stderr).toBe(
      'holdfast: The end of a pipe does not prove that its writer finished. Pass --size or --sha256, run the writer with ' +
        '--from-command -- COMMAND, or accept the risk with --until-eof.\n',
    )
    expect(await readdir(folder)).toEqual([])
  })

  test.each([
    ['contradict each other', ['-'], [], { untilEof: true, size: 3 }],
    ['contradict each other', ['-'], [], { untilEof: true, sha256: ofAbc }],
    ['contradict each other', ['-', 'cat'], ['cat'], { untilEof: true, fromCommand: true }],
    ['lack a command', ['-'], [], { fromCommand: true }],
    ['come without standard input', ['a'], [], { size: 3 }],
    ['come without standard input', ['a'], [], { sha256: ofAbc }],
    ['come without standard input', ['a'], [], { untilEof: true }],
  ] as const)('are refused if they %s: %j -- %j, %j', (_, words, trailing, options) => {
    expect(() => separateWords(words, trailing, { ...none, ...options })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }) as Error,
    )
  })

  test('separate the command from the files', () => {
    const options = { ...none, fromCommand: true } as const
    expect(separateWords(['a', 'b', '-x'], ['b', '-x'], options)).toEqual({
      files: ['a', '-'],
      command: ['b', '-x'],
    })
    expect(separateWords(['-', 'b', '-'], ['b', '-'], options)).toEqual({ files: ['-'], command: ['b', '-'] })
    expect(separateWords(['a', '-x'], ['-x'], none)).toEqual({ files: ['a', '-x'], command: undefined })
  })

  test.each([
    ['size', 'three'],
    ['size', '-3'],
    ['size', '2.5'],
    ['size', ''],
    ['sha256', 'abc'],
    ['sha256', `${ofAbc} `],
  ] as const)('are refused with a value that is not valid: --%s %j', (name, value) => {
    const declaration = streamedInputOptions[name]
    expect(() => declaration.parse?.(value, undefined)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }) as Error,
    )
  })
})

test('refuses --name without standard input, which alone it names', async () => {
  const folder = await workFolder({ 'a.bin': 'abc' })
  const { code, stderr } = await holdfast(
    folder,
    '-s',
    'store',
    'save',
    'a.bin',
    '--name',
    'b',
    '--step',
    '1',
  )
  expect(code).toBe(2)
  expect(stderr).toContain('--name names standard input')
})
