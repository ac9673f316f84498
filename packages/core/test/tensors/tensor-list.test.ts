import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { CheckpointStore, MemoryBackend } from '../../src/index.ts'
import type { ReadableObject, ReadOptions } from '../../src/backend.ts'
import { type TensorList, TensorListReader } from '../../src/tensors/tensor-list.ts'

const folder = new URL('fixtures/', import.meta.url)

function fixture(name: string): Uint8Array {
  return readFileSync(new URL(name, folder))
}

/** Passes the bytes in chunks of a size, and overwrites their memory afterwards. */
function listOf(bytes: Uint8Array, chunkBytes = 4096): TensorList {
  const reader = new TensorListReader()
  for (let start = 0; start < bytes.byteLength; start += chunkBytes) {
    const chunk = Uint8Array.from(bytes.subarray(start, start + chunkBytes))
    const list = reader.update(chunk)
    chunk.fill(0xff)
    if (list !== undefined) return list
  }
  return reader.finish()
}

const adam = (index: number, shape: readonly number[]): readonly object[] => [
  { name: `optimizer.state.${index}.step`, type: 'float32', shape: [] },
  { name: `optimizer.state.${index}.exp_avg`, type: 'float32', shape },
  { name: `optimizer.state.${index}.exp_avg_sq`, type: 'float32', shape },
]

describe.each([1, 7, 4096])('in chunks of %i bytes', (chunkBytes) => {
  test('lists the tensors of a torch file with the keys that lead to them', () => {
    expect(listOf(fixture('training.pt'), chunkBytes)).toEqual({
      format: 'torch',
      tensors: [
        { name: 'model.weight', type: 'float32', shape: [3, 3] },
        { name: 'model.bias', type: 'float32', shape: [3] },
        ...adam(0, [3, 3]),
        ...adam(1, [3]),
        { name: 'ids', type: 'int64', shape: [2] },
      ],
    })
  })

  test('lists the tensors of a safetensors file in the order of their data', () => {
    expect(listOf(fixture('float16-nan.safetensors'), chunkBytes)).toEqual({
      format: 'safetensors',
      tensors: [
        { name: 'first', type: 'F16', shape: [7] },
        { name: 'float16', type: 'F16', shape: [7] },
      ],
    })
  })
})

test.each(['plain.pkl', 'legacy.pt'])('does not know the format of %s', (name) => {
  expect(listOf(fixture(name))).toEqual({ format: 'unknown' })
})

test('executes nothing of a hostile file', () => {
  expect(listOf(fixture('hostile.pt'))).toMatchObject({ format: 'torch' })
  expect(existsSync('/tmp/holdfast-was-executed')).toBe(false)
})

test.each(['training.pt', 'finite.safetensors'])('calls every truncated %s malformed or unknown', (name) => {
  const whole = fixture(name)
  const full = listOf(whole)
  for (let bytes = 0; bytes < 2000; bytes += 1) {
    const list = listOf(whole.subarray(0, bytes))
    if (list.format !== 'malformed' && list.format !== 'unknown') expect(list).toEqual(full)
  }
  expect(listOf(whole.subarray(0, 100))).toMatchObject({ format: 'malformed' })
})

/** Records the ranges of files that are read. */
class RecordingBackend extends MemoryBackend {
  readonly ranges: ReadOptions['range'][] = []

  override async read(key: string, options: ReadOptions = {}): Promise<ReadableObject> {
    if (key.endsWith('.safetensors')) this.ranges.push(options.range)
    return super.read(key, options)
  }
}

function safetensors(tensors: number): Uint8Array {
  const entries = Array.from({ length: tensors }, (_, index) => [
    `layer.${index}`,
    { dtype: 'F32', shape: [1000], data_offsets: [index * 4000, (index + 1) * 4000] },
  ])
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.byteLength))
  return Buffer.concat([length, header, Buffer.alloc(tensors * 4000)])
}

test('reads only the beginnings of the files of a checkpoint', async () => {
  const backend = new RecordingBackend()
  await using store = new CheckpointStore(backend, { mode: 'shared' })
  const files = {
    'a.safetensors': safetensors(2000),
    'b.safetensors': safetensors(5000),
    'c.txt': Buffer.from('c'),
  }
  await store.save({ step: 1, files })
  const [first, second, third] = await store.tensors('latest')
  expect(first).toMatchObject({ file: 'a.safetensors', format: 'safetensors' })
  expect(first?.format === 'safetensors' && first.tensors.length).toBe(2000)
  expect(second?.format === 'safetensors' && second.tensors.at(-1)).toEqual({
    name: 'layer.4999',
    type: 'F32',
    shape: [1000],
  })
  expect(third).toEqual({ file: 'c.txt', format: 'unknown' })
  const start = { start: 0, end: 2 ** 18 }
  expect(backend.ranges.toSorted((one, other) => (one?.start ?? 0) - (other?.start ?? 0))).toEqual([
    start,
    start,
    { start: 2 ** 18, end: 2 ** 20 },
  ])
  await expect(store.tensors(9)).rejects.toMatchObject({ code: 'NOT_FOUND' })
})
