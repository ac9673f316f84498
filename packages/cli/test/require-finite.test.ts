import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { holdfast } from './holdfast.ts'

/** A safetensors file with one tensor of two numbers. */
function safetensors(...numbers: readonly [number, number]): Buffer {
  const header = '{"weight":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.length))
  return Buffer.concat([length, Buffer.from(header), Buffer.from(Float32Array.from(numbers).buffer)])
}

test('save --require-finite refuses a tensor with NaN, and the latest checkpoint stays', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-cli-finite-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await writeFile(join(folder, 'm.safetensors'), safetensors(1, 2))
  const save = ['save', 'm.safetensors', '--store', 'runs', '--require-finite', '--step']
  expect(await holdfast(folder, ...save, '1')).toMatchObject({ code: 0 })
  await writeFile(join(folder, 'm.safetensors'), safetensors(1, NaN))
  const refused = await holdfast(folder, ...save, '2')
  expect(refused.code).toBe(2)
  expect(refused.stderr).toContain('The tensor "weight" of "m.safetensors" has NaN or infinity at element 1.')
  expect((await holdfast(folder, 'show', '--store', 'runs')).stdout).toContain('step 1')
})

test('show --tensors lists names, types and shapes', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-cli-tensors-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await writeFile(join(folder, 'm.safetensors'), safetensors(1, 2))
  await writeFile(join(folder, 'bad.safetensors'), safetensors(1, 2).subarray(0, 20))
  await writeFile(join(folder, 'log.txt'), 'log')
  const training = new URL('../../core/test/tensors/fixtures/training.pt', import.meta.url)
  await copyFile(training, join(folder, 'training.pt'))
  const files = ['m.safetensors', 'bad.safetensors', 'log.txt', 'training.pt']
  expect(await holdfast(folder, 'save', ...files, '--step', '1', '--store', 'runs')).toMatchObject({
    code: 0,
  })
  const { stdout } = await holdfast(folder, 'show', '--tensors', '--store', 'runs')
  expect(stdout).toContain(
    'm.safetensors · safetensors file · 1 tensor · 2 numbers\nTENSOR  TYPE  SHAPE\nweight  F32   [2]\n',
  )
  expect(stdout).toContain('training.pt · torch file · 9 tensors · 40 numbers\n')
  expect(stdout).toMatch(/\nmodel\.weight +float32 +\[3, 3\]\n/)
  expect(stdout).toContain('bad.safetensors · its tensors cannot be read: it ends before its header does\n')
  expect(stdout).toContain('No tensors are read of log.txt: neither safetensors nor torch files.\n')
  const { stdout: json } = await holdfast(folder, 'show', '--tensors', '--json', '--store', 'runs')
  const { tensors } = JSON.parse(json) as { readonly tensors: readonly object[] }
  expect(tensors).toContainEqual({
    file: 'm.safetensors',
    format: 'safetensors',
    tensors: [{ name: 'weight', type: 'F32', shape: [2] }],
  })
})
