import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { holdfast, type Outcome } from './holdfast.ts'
import { workFolder } from './work-folder.ts'

/** Creates a store without checkpoints: its only save fails after the store was created. */
async function emptyStore(folder: string): Promise<void> {
  await writeFile(join(folder, 'nan.safetensors'), notFinite())
  const words = ['-s', 'store', 'save', 'nan.safetensors', '--step', '1', '--require-finite']
  expect(await holdfast(folder, ...words)).toMatchObject({ code: 2 })
}

/** A safetensors file with one tensor that is NaN. */
function notFinite(): Uint8Array {
  const header = Buffer.from('{"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}')
  const length = Buffer.alloc(8)
  length.writeUInt32LE(header.byteLength)
  return Buffer.concat([length, header, Buffer.from([0, 0, 0xc0, 0x7f])])
}

function restore(folder: string, ...words: readonly string[]): Promise<Outcome> {
  return holdfast(folder, '-s', 'store', 'restore', ...words, '--to', 'out')
}

test('restore --if-any succeeds if there is no store, and says so', async () => {
  const folder = await workFolder()
  const { code, stdout } = await restore(folder, '--if-any')
  expect(code).toBe(0)
  expect(stdout).toMatch(/^nothing to restore: the store does not exist · file:.*\/store\n$/)
  expect(await readdir(folder)).toEqual(['w.bin'])
  const { stdout: json } = await restore(folder, '--if-any', '--json')
  expect(JSON.parse(json)).toEqual({ type: 'result', command: 'restore', restored: [], store: 'absent' })
})

test('restore --if-any succeeds if the store has no checkpoint, and says so', async () => {
  const folder = await workFolder()
  await emptyStore(folder)
  const { code, stdout } = await restore(folder, '7', '--if-any')
  expect(code).toBe(0)
  expect(stdout).toMatch(/^nothing to restore: the store has no checkpoint · file:.*\/store\n$/)
})

test('restore exits with 4 and distinguishes a missing store from an empty one', async () => {
  const folder = await workFolder()
  const missing = await restore(folder)
  expect(missing.code).toBe(4)
  expect(missing.stderr).toMatch(/There is no store at .*\/store\. Check its path or URL\..*--if-any/)
  await emptyStore(folder)
  for (const choice of ['latest', '7', 'best']) {
    const empty = await restore(folder, choice)
    expect([choice, empty.code]).toEqual([choice, 4])
    expect(empty.stderr).toMatch(/The store .*\/store has no checkpoint yet\./)
  }
})

test.each([['7'], ['best:loss', '--objective', 'loss=loss:min'], ['1', '--file', 'other.bin']])(
  'restore --if-any still exits with 4 if other checkpoints exist: %s',
  async (...words) => {
    const folder = await workFolder()
    await holdfast(folder, '-s', 'store', 'save', 'w.bin', '--step', '1')
    const { code, stdout } = await restore(folder, ...words, '--if-any')
    expect([code, stdout]).toEqual([4, ''])
  },
)

test.each(['show', 'verify'])('%s distinguishes a missing store from an empty one', async (command) => {
  const folder = await workFolder()
  expect((await holdfast(folder, '-s', 'store', command)).stderr).toContain('There is no store at ')
  await emptyStore(folder)
  expect((await holdfast(folder, '-s', 'store', command)).stderr).toContain('has no checkpoint yet.')
})

test.each([
  ['rm', '5'],
  ['prune', '--keep-last', '3'],
  ['prune', '--keep-last', '3', '--dry-run'],
  ['sweep'],
  ['sweep', '--dry-run'],
  ['undo'],
])('%s exits with 4 if there is no store, and creates none', async (...words) => {
  const folder = await workFolder()
  const { code, stdout, stderr } = await holdfast(folder, '-s', 'typo', ...words)
  expect([code, stdout]).toEqual([4, ''])
  expect(stderr).toMatch(/There is no store at .*\/typo\. Check its path or URL\.\n$/)
  expect(await readdir(folder)).toEqual(['w.bin'])
})
