import { mkdtemp, rm, writeFile } from 'node:fs/promises'
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
