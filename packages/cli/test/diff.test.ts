import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from '@holdfast/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { tensorDifferences } from '@holdfast/page/analysis'
import { holdfast } from './holdfast.ts'

let folder = ''

/** A safetensors file of zeros. */
function safetensors(shapes: Readonly<Record<string, readonly number[]>>): Uint8Array {
  let at = 0
  const entries = Object.entries(shapes).map(([name, shape]) => {
    const begin = at
    at += 4 * shape.reduce((product, size) => product * size, 1)
    return [name, { dtype: 'F32', shape, data_offsets: [begin, at] }]
  })
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.byteLength))
  return Buffer.concat([length, header, Buffer.alloc(at)])
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-diff-'))
  await using store = await openStore(join(folder, 'store'), { config: false, mode: 'shared' })
  const same = { 'config.json': Buffer.from('{}'), 'vocabulary.txt': Buffer.from('a') }
  await store.save({
    step: 1,
    files: {
      ...same,
      'model.safetensors': safetensors({ weight: [2, 3], bias: [2] }),
      'old.txt': Buffer.from('x'),
    },
    metrics: { loss: 0.5, gone: 1 },
    tags: ['early', 'both'],
    metadata: { lr: 0.1, layers: [1, 2] },
    dataState: { position: 1 },
  })
  await store.save({
    step: 2,
    files: {
      ...same,
      'model.safetensors': safetensors({ weight: [2, 4], head: [1] }),
      'new.txt': Buffer.from('xy'),
    },
    metrics: { loss: 0.25 },
    tags: ['both', 'late'],
    metadata: { lr: 0.01, layers: [1, 2] },
    dataState: { position: 2 },
  })
})

afterAll(() => rm(folder, { recursive: true }))

test('shows what was added, removed and changed between two checkpoints', async () => {
  const { code, stdout, stderr } = await holdfast(folder, 'diff', '1', 'latest', '--tensors', '-s', 'store')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout.replaceAll(/ +/g, ' ').split('\n')).toEqual([
    expect.stringMatching(/^step 1 → step 2 · /),
    '',
    ' FILE CHANGE',
    expect.stringMatching(/^~ model.safetensors \d+ B → \d+ B$/),
    '- old.txt 1 B',
    '+ new.txt 2 B',
    '2 files are the same',
    '',
    ' METRIC CHANGE',
    '~ loss 0.5 → 0.25',
    '- gone 1',
    '',
    ' METADATA CHANGE',
    '~ lr 0.1 → 0.01',
    '',
    ' TAG CHANGE',
    '- early',
    '+ late',
    'the position in the data differs',
    '',
    ' TENSOR CHANGE',
    '~ weight F32 [2, 3] → F32 [2, 4]',
    '- bias F32 [2]',
    '+ head F32 [1]',
    '',
  ])
})

test('prints the differences as JSON', async () => {
  const { stdout } = await holdfast(folder, 'diff', '1', '2', '--json', '-s', 'store')
  expect(JSON.parse(stdout)).toMatchObject({
    type: 'result',
    command: 'diff',
    before: 1,
    after: 2,
    files: [
      { name: 'config.json', change: 'unchanged' },
      { name: 'model.safetensors', change: 'changed' },
      { name: 'old.txt', change: 'removed', before: { size: 1 } },
      { name: 'vocabulary.txt', change: 'unchanged' },
      { name: 'new.txt', change: 'added', after: { size: 2 } },
    ],
    metrics: [
      { name: 'loss', change: 'changed', before: 0.5, after: 0.25 },
      { name: 'gone', change: 'removed', before: 1 },
    ],
    tags: [
      { name: 'early', change: 'removed' },
      { name: 'late', change: 'added' },
    ],
    metadata: [{ name: 'lr', change: 'changed', before: 0.1, after: 0.01 }],
    hasSameDataState: false,
  })
})

test('finds no difference between a checkpoint and itself', async () => {
  const { stdout } = await holdfast(folder, 'diff', '2', '2', '--tensors', '-s', 'store')
  expect(stdout.split('\n').slice(1)).toEqual([
    '4 files are the same',
    '2 tensors have the same type and shape',
    '',
  ])
})

test('names a checkpoint that does not exist', async () => {
  expect(await holdfast(folder, 'diff', '2', '7', '-s', 'store')).toMatchObject({
    code: 4,
    stdout: '',
    stderr: expect.stringContaining('There is no checkpoint of step 7') as string,
  })
})

test('compares tensors of several files by name, and with the file if a name is repeated', () => {
  const weight = { name: 'weight', type: 'F32', shape: [1] }
  const bias = { name: 'bias', type: 'F32', shape: [1] }
  const file = (name: string, ...tensors: readonly (typeof weight)[]) =>
    ({ file: name, format: 'safetensors', tensors }) as const
  expect(tensorDifferences([file('a', weight, bias)], [file('a', weight), file('b', bias)])).toMatchObject([
    { name: 'weight', change: 'unchanged' },
    { name: 'bias', change: 'unchanged' },
  ])
  expect(tensorDifferences([file('a', weight), file('b', weight)], [file('b', weight)])).toMatchObject([
    { name: 'a: weight', change: 'removed' },
    { name: 'b: weight', change: 'unchanged' },
  ])
})
