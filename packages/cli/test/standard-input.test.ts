import { execFile } from 'node:child_process'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { standardInput } from '../src/streams/standard-input.ts'
import { environment, holdfast, main, type Outcome } from './holdfast.ts'
import { workFolder } from './work-folder.ts'

/** Runs a line of shell in which `$holdfast` is the command line. */
async function shell(folder: string, line: string): Promise<Outcome> {
  const env = { ...environment(), holdfast: `${process.execPath} ${main} -s store` }
  return new Promise((resolve) => {
    execFile('bash', ['-c', line], { cwd: folder, env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : (error.code ?? null), stdout, stderr })
    })
  })
}

describe('a save of standard input without any bytes', () => {
  test('is rejected and drops nothing', async () => {
    const folder = await workFolder({})
    await writeFile(join(folder, 'w.bin'), 'good')
    await holdfast(folder, '-s', 'store', 'save', 'w.bin', '--step', '1', '--keep-last', '1')
    expect(
      await shell(folder, 'false | $holdfast save - w.bin --step 2 --keep-last 1 --until-eof'),
    ).toMatchObject({
      code: 2,
      stderr: 'holdfast: Standard input is empty, so nothing was saved. Check the program that writes it.\n',
    })
    expect((await holdfast(folder, '-s', 'store', 'restore', '--to', 'out')).stdout).toContain(
      'restored step 1',
    )
  })

  test.each([
    'false | $holdfast save - --step 1 --until-eof',
    '$holdfast save - --step 1 --until-eof <&-',
    '$holdfast save - --step 1 --until-eof < .',
  ])('does not create a store: %s', async (line) => {
    const folder = await workFolder({})
    const { code, stderr } = await shell(folder, line)
    expect([code, stderr.split('\n').length]).toEqual([2, 2])
    expect(await readdir(folder)).toEqual([])
  })
})

test('passes on every byte of standard input', async () => {
  const { signal } = new AbortController()
  const chunks = ['', 'one', '', 'two'].map((text) => Buffer.from(text))
  await using input = await standardInput(signal, { open: () => Readable.from(chunks) })
  expect(Buffer.concat(await Array.fromAsync(input.stream)).toString()).toBe('onetwo')
})

test('stops waiting for the first bytes if the command is interrupted', async () => {
  const stop = new AbortController()
  const waiting = standardInput(stop.signal, { open: () => new PassThrough() })
  stop.abort()
  await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' })
})
