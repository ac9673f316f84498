import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { CheckpointStore, MemoryBackend } from '../../src/index.ts'
import type { ReadableObject, ReadOptions } from '../../src/backend.ts'
import { type TensorList, TensorListReader } from '../../src/tensors/tensor-list.ts'

const folder = new URL('fixtures/', import.meta.url)

function fixture(name: string): Buffer {
  return readFileSync(new URL(name, folder))
}

/** Passes the bytes in chunks of a size, and overwrites their memory afterwards. */
function listOf(bytes: Uint8Array, chunkBytes = 4096, archives: 'first' | 'all' = 'first'): TensorList {
  const reader = new TensorListReader(archives)
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

  test('lists the tensors of every archive in a file of torch.distributed.checkpoint', () => {
    expect(listOf(fixture('shards.distcp'), chunkBytes, 'all')).toEqual({
      format: 'torch',
      tensors: [
        { name: '1', type: 'float32', shape: [3] },
        { name: '2', type: 'float32', shape: [2] },
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

test('calls every truncated file of several archives malformed or unknown, except between two archives', () => {
  const whole = fixture('shards.distcp')
  for (let bytes = 0; bytes < whole.byteLength; bytes += 1) {
    const isBetween = whole.subarray(bytes, bytes + 4).equals(Buffer.from('PK\x03\x04'))
    const { format } = listOf(whole.subarray(0, bytes), 4096, 'all')
    if (!isBetween) expect(['malformed', 'unknown'], `the first ${bytes} bytes`).toContain(format)
  }
})

/** A file of archives, each with a tensor of this many 32-bit numbers. */
function archivesOf(archives: number, numbers: number): Buffer {
  const archive = [
    record('archive/data.pkl', pickledTensor(numbers)),
    record('archive/data/0', Buffer.alloc(4 * numbers)),
    record('archive/version', Buffer.from('3\n')),
    Buffer.from('PK\x05\x06'.padEnd(22, '\0')),
  ]
  return Buffer.concat(Array.from({ length: archives }, () => archive).flat())
}

/** A record of a zip archive that is not compressed. */
function record(name: string, content: Buffer): Buffer {
  const header = Buffer.alloc(30)
  header.write('PK\x03\x04')
  header.writeUInt32LE(content.byteLength, 18)
  header.writeUInt32LE(content.byteLength, 22)
  header.writeUInt16LE(name.length, 26)
  return Buffer.concat([header, Buffer.from(name), content])
}

/** `_rebuild_tensor_v2(('storage', FloatStorage, '0', 'cpu', numbers), 0, (numbers,), (1,), False, OrderedDict())`. */
function pickledTensor(numbers: number): Buffer {
  const size = Buffer.alloc(5, 'J')
  size.writeInt32LE(numbers, 1)
  const text = (value: string): string => `X${String.fromCharCode(value.length)}\0\0\0${value}`
  const parts = [
    `\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((${text('storage')}ctorch\nFloatStorage\n${text('0')}${text('cpu')}`,
    size,
    'tQK\0',
    size,
    '\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtR.',
  ]
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)))
}

const listOfThree: TensorList = {
  format: 'torch',
  tensors: ['0', '1', '2'].map((name) => ({ name, type: 'float32', shape: [10_000] })),
}

test.each([0, 1000, Infinity])('lists the same tensors if at most %i bytes are skipped at once', (most) => {
  const bytes = archivesOf(3, 10_000)
  const reader = new TensorListReader('all')
  for (let at = 0; at < bytes.byteLength; at += reader.skip(Math.min(most, bytes.byteLength - at))) {
    expect(reader.update(bytes.subarray(at, at + 100))).toBeUndefined()
    at += 100
  }
  expect(reader.finish()).toEqual(listOfThree)
})

test('skips no byte of a pickle, and no byte of the tensors beyond the end of a file', () => {
  const bytes = archivesOf(1, 10_000)
  const reader = new TensorListReader('all')
  reader.update(bytes.subarray(0, 100))
  expect(reader.skip(1000)).toBe(0)
  const pickleEnd = bytes.indexOf('archive/data/0') + 'archive/data/0'.length
  reader.update(bytes.subarray(100, pickleEnd))
  expect(reader.skip(1000)).toBe(1000)
  expect(reader.finish()).toMatchObject({ format: 'malformed' })
  expect(reader.skip(Infinity)).toBe(39_000)
})

/** Records the ranges of files that are read. */
class RecordingBackend extends MemoryBackend {
  readonly ranges: ReadOptions['range'][] = []

  override async read(key: string, options: ReadOptions = {}): Promise<ReadableObject> {
    if (/\.(safetensors|distcp)$/.test(key)) this.ranges.push(options.range)
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

test('reads only the pickles of a large file of several archives, wherever they are', async () => {
  const backend = new RecordingBackend()
  await using store = new CheckpointStore(backend, { mode: 'shared' })
  const archives = archivesOf(3, 1_000_000)
  await store.save({ step: 1, files: { '__0_0.distcp': archives, 'model.pt': archives } })
  const [sharded, plain] = await store.tensors('latest')
  const tensors = ['0', '1', '2'].map((name) => ({ name, type: 'float32', shape: [1_000_000] }))
  expect(sharded).toEqual({ file: '__0_0.distcp', format: 'torch', tensors })
  expect(plain).toMatchObject({ file: 'model.pt', format: 'torch', tensors: [{ name: '' }] })
  const read = backend.ranges.reduce((sum, range) => sum + ((range?.end ?? 0) - (range?.start ?? 0)), 0)
  expect(backend.ranges.length).toBeLessThan(8)
  expect(read).toBeLessThan(archives.byteLength / 8)
})

test.each([
  [
    'sends few requests for small tensors',
    { archives: 250, numbers: 20_000 },
    { requests: 6, bytes: 22_000_000 },
  ],
  [
    'reads few bytes for large tensors',
    { archives: 10, numbers: 1_000_000 },
    { requests: 11, bytes: 2 ** 19 },
  ],
])('%s in a file of several archives', async (_, { archives, numbers }, most) => {
  const backend = new RecordingBackend()
  await using store = new CheckpointStore(backend, { mode: 'shared' })
  await store.save({ step: 1, files: { '__0_0.distcp': archivesOf(archives, numbers) } })
  const [list] = await store.tensors('latest')
  expect(list?.format === 'torch' && list.tensors.length).toBe(archives)
  const read = backend.ranges.reduce((sum, range) => sum + ((range?.end ?? 0) - (range?.start ?? 0)), 0)
  expect(backend.ranges.length).toBeLessThanOrEqual(most.requests)
  expect(read).toBeLessThanOrEqual(most.bytes)
})
