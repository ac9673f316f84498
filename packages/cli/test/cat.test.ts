import { createHash, randomBytes } from 'node:crypto'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from '@holdfast/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { environment, exitOf, holdfast, main, type Outcome } from './holdfast.ts'

let folder = ''
const large = randomBytes(5_000_000)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-cat-'))
  await using store = await openStore(join(folder, 'store'), { config: false, mode: 'shared' })
  await store.save({ step: 1, files: { 'digits.txt': Buffer.from('0123456789'), 'model/large.bin': large } })
  await store.save({ step: 2, files: { 'model.bin': large } })
})

afterAll(() => rm(folder, { recursive: true }))

async function cat(...words: readonly string[]): Promise<Outcome> {
  return holdfast(folder, 'cat', '--store', 'store', ...words)
}

/** Runs a line of shell in which `$holdfast` is the command line. */
async function shell(line: string): Promise<Outcome> {
  const env = { ...environment(), holdfast: `${process.execPath} ${main}`, HOLDFAST_STORE: 'store' }
  return new Promise((resolve) => {
    execFile('bash', ['-o', 'pipefail', '-c', line], { cwd: folder, env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : (error.code ?? null), stdout, stderr })
    })
  })
}

test('writes the bytes of a file unchanged, and states with --json what they are', async () => {
  const sha256 = createHash('sha256').update(large).digest('hex')
  const piped = await shell('$holdfast cat 1 model/large.bin --json | sha256sum')
  expect(piped.stdout).toBe(`${sha256}  -\n`)
  expect(JSON.parse(piped.stderr)).toEqual({
    type: 'result',
    command: 'cat',
    name: 'model/large.bin',
    size: large.byteLength,
    sha256,
    bytes: large.byteLength,
    verified: true,
  })
})

test.each([
  ['2-4', '234'],
  ['7-', '789'],
  ['-3', '789'],
  ['0-0', '0'],
  ['8-99', '89'],
  ['-99', '0123456789'],
  ['10-', ''],
])('writes the range %s of a file, verified or not', async (range, bytes) => {
  expect(await cat('1', 'digits.txt', '--range', range)).toEqual({ code: 0, stdout: bytes, stderr: '' })
  const unverified = await cat('1', 'digits.txt', '--range', range, '--no-verify', '--json')
  expect(unverified).toMatchObject({ code: 0, stdout: bytes })
  expect(JSON.parse(unverified.stderr)).toMatchObject({ bytes: bytes.length, size: 10, verified: false })
})

test.each([
  [['1', 'digits.txt', '--range', '5-2'], 'Write FIRST-LAST'],
  [['1', 'digits.txt', '--range', '99999999999999999999-5'], 'Write FIRST-LAST'],
  [['1', 'digits.txt', '--range', '-0'], 'Write FIRST-LAST'],
  [['1', 'digits.txt', '--range', '11-'], 'The range begins at byte 11, but digits.txt has 10 bytes.'],
  [['1', 'digits.txt', '--range', '11-', '--no-verify'], 'has 10 bytes'],
  [['1', 'digits.txt', '--no-verify'], 'Pass --no-verify only with --range.'],
])('rejects %j', async (words, message) => {
  expect(await cat(...words)).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining(message) as string,
  })
})

test.each([
  ['1', 'digit.txt'],
  ['9', 'digits.txt'],
  ['1', 'digit.txt', '--range', '-5', '--no-verify'],
])('does not find %s %s', async (...words) => {
  expect(await cat(...words)).toMatchObject({ code: 4, stdout: '' })
})

test('ends without an error if its reader stops reading', async () => {
  expect(await shell('$holdfast cat 2 model.bin | head -c 10 | wc -c')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^\s*10\n$/) as string,
    stderr: '',
  })
})

test('fails after the last byte if the bytes differ, and says not to use them', async () => {
  const { stdout: path } = await holdfast(folder, 'path', '2', 'model.bin', '--store', 'store')
  const damaged = Buffer.from(large)
  damaged.writeUInt8(damaged.readUInt8(4_999_999) ^ 1, 4_999_999)
  await chmod(path.trim(), 0o600)
  await writeFile(path.trim(), damaged)
  const whole = await shell('$holdfast cat 2 model.bin | wc -c')
  expect(whole).toMatchObject({ code: 5, stdout: expect.stringMatching(/^\s*5000000\n$/) as string })
  expect(whole.stderr).toContain(
    'model.bin differs from the saved file. Do not use the 5000000 bytes that were written',
  )
  const part = await shell('$holdfast cat 2 model.bin --range 0-9 | wc -c')
  expect(part).toMatchObject({ code: 5 })
  expect(await shell('$holdfast cat 2 model.bin --range 0-9 --no-verify | wc -c')).toMatchObject({ code: 0 })
  await truncate(path.trim(), 5)
  expect(await shell('$holdfast cat 2 model.bin --range 0-9 --no-verify | wc -c')).toMatchObject({ code: 5 })
})

test('says that the output is incomplete if it is stopped', async () => {
  const child = spawn(process.execPath, [main, 'cat', '1', 'model/large.bin', '--store', 'store'], {
    cwd: folder,
    env: environment(),
  })
  const exit = exitOf(child)
  let said = ''
  child.stderr.on('data', (text: Buffer) => (said += text.toString()))
  await once(child.stdout, 'readable') // the pipe is full, so the command waits
  child.kill('SIGINT')
  child.stdout.resume()
  expect(await exit).toBe(130)
  expect(said).toBe('holdfast: Stopped. The output is incomplete: do not use it.\n')
})
