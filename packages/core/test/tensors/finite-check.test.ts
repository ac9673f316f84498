import { existsSync, readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FiniteCheck, type FiniteVerdict } from '../../src/tensors/finite-check.ts'

const folder = new URL('fixtures/', import.meta.url)

function fixture(name: string): Uint8Array {
  return readFileSync(new URL(name, folder))
}

/** Passes the bytes in chunks of a size, and overwrites their memory afterwards. */
function check(bytes: Uint8Array, chunkBytes = bytes.byteLength || 1): FiniteVerdict {
  const finite = new FiniteCheck()
  for (let start = 0; start < bytes.byteLength; start += chunkBytes) {
    const chunk = Uint8Array.from(bytes.subarray(start, start + chunkBytes))
    finite.update(chunk)
    chunk.fill(0xff)
  }
  return finite.finish()
}

const names = readdirSync(folder).filter((name) => /\.(pt|safetensors)$/.test(name))

describe.each([1, 7, 64, 4096, 1 << 20])('in chunks of %i bytes', (chunkBytes) => {
  test.each(names.filter((name) => /^[a-z0-9_]+-(nan|inf)\./.test(name) && /^(b?float)/.test(name)))(
    'finds the number in %s',
    (name) => {
      const [dtype = ''] = name.split('-')
      const tensor = name.endsWith('.pt') ? `model.${dtype}` : dtype
      expect(check(fixture(name), chunkBytes)).toEqual({ kind: 'not finite', tensor, index: 5 })
    },
  )

  test.each(['finite.pt', 'finite.safetensors'])('accepts every format in %s', (name) => {
    expect(check(fixture(name), chunkBytes)).toEqual({ kind: 'finite', tensors: 6 })
  })

  test('names the tensor of an optimizer by the keys that lead to it', () => {
    expect(check(fixture('training.pt'), chunkBytes)).toMatchObject({ kind: 'finite' })
    expect(check(fixture('training-nan.pt'), chunkBytes)).toEqual({
      kind: 'not finite',
      tensor: 'optimizer.state.1.exp_avg',
      index: 2,
    })
  })
})

test('checks the imaginary parts of complex numbers', () => {
  expect(check(fixture('complex-inf.pt'))).toEqual({ kind: 'not finite', tensor: 'z', index: 3 })
})

test('counts a tensor with two names once, and a view of its storage separately', () => {
  expect(check(fixture('tied.pt'))).toEqual({ kind: 'finite', tensors: 2 })
})

describe.each([1, 7, 4096])('in chunks of %i bytes', (chunkBytes) => {
  test('checks every archive of a file of torch.distributed.checkpoint', () => {
    expect(check(fixture('shards.distcp'), chunkBytes)).toEqual({ kind: 'finite', tensors: 2 })
    expect(check(fixture('shards-nan.distcp'), chunkBytes)).toMatchObject({ kind: 'not finite', index: 1 })
  })

  test('checks tensors with attributes, and of a subclass', () => {
    expect(check(fixture('tagged.pt'), chunkBytes)).toEqual({ kind: 'finite', tensors: 2 })
    expect(check(fixture('tagged-nan.pt'), chunkBytes)).toEqual({
      kind: 'not finite',
      tensor: 'second',
      index: 1,
    })
  })

  test('does not know a file with a storage that belongs to no tensor', () => {
    expect(check(fixture('storage.pt'), chunkBytes)).toEqual({ kind: 'unknown format' })
  })

  test('does not know a file with other bytes behind its archive', () => {
    const bytes = Buffer.concat([fixture('finite.pt'), Buffer.from('more')])
    expect(check(bytes, chunkBytes)).toEqual({ kind: 'unknown format' })
  })
})

test.each([1, 21, 60, 400])('reports a file of torch as malformed without its last %i bytes', (cut) => {
  expect(check(fixture('finite.pt').subarray(0, -cut))).toMatchObject({ kind: 'malformed' })
})

test('reports a storage that is not in the file', () => {
  const bytes = Buffer.from(fixture('float32-nan.pt'))
  for (let at = bytes.indexOf('/data/0'); at !== -1; at = bytes.indexOf('/data/0', at + 1))
    bytes.write('/date/0', at)
  expect(check(bytes)).toMatchObject({ kind: 'malformed', why: 'its storage 0 is missing' })
})

test('ignores numbers of a storage that no tensor views', () => {
  expect(check(fixture('hidden-nan.pt'))).toEqual({ kind: 'finite', tensors: 1 })
})

test('executes nothing of a hostile pickle', () => {
  const sideEffect = '/tmp/holdfast-was-executed'
  expect(check(fixture('hostile.pt'))).toEqual({ kind: 'finite', tensors: 1 })
  expect(existsSync(sideEffect)).toBe(false)
})

test.each(['legacy.pt', 'plain.pkl', 'make.py'])('does not know the format of %s', (name) => {
  expect(check(fixture(name))).toEqual({ kind: 'unknown format' })
})

test('does not know an empty file', () => {
  expect(check(new Uint8Array())).toEqual({ kind: 'unknown format' })
})

test.each(['finite.pt', 'finite.safetensors'])('reports %s as malformed if it is cut off', (name) => {
  const bytes = fixture(name)
  const half = bytes.subarray(0, bytes.byteLength / 2)
  expect(check(half, 100)).toMatchObject({ kind: 'malformed' })
})

function safetensors(header: string, data = new Uint8Array()): Uint8Array {
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(header)))
  return Buffer.concat([length, Buffer.from(header), data])
}

test.each([
  ['F8_E8M0', [0x00, 0x7f, 0x80, 0xfe], 0xff],
  ['F8_E4M3FNUZ', [0x00, 0x7f, 0x81, 0xff], 0x80],
  ['F8_E5M2FNUZ', [0x00, 0x7f, 0x81, 0xff], 0x80],
])('finds the only NaN of %s, which has no infinity', (dtype, finite, nan) => {
  const fileOf = (...bytes: readonly number[]): Uint8Array => {
    const entry = { dtype, shape: [bytes.length], data_offsets: [0, bytes.length] }
    return safetensors(JSON.stringify({ w: entry }), Uint8Array.from(bytes))
  }
  expect(check(fileOf(...finite))).toEqual({ kind: 'finite', tensors: 1 })
  for (let place = 0; place < 20; place += 1) {
    const bytes = Array.from({ length: 21 }, (_, index) => (index === place ? nan : (finite[index % 4] ?? 0)))
    for (const chunkBytes of [1, 7, 4096])
      expect(check(fileOf(...bytes), chunkBytes)).toEqual({ kind: 'not finite', tensor: 'w', index: place })
  }
})

test.each([
  ['F4', 4],
  ['F6_E2M3', 3],
  ['F6_E3M2', 3],
])('knows the size of %s, whose elements are packed', (dtype, bytes) => {
  const shape = [bytes === 4 ? 8 : 4]
  const headerOf = (end: number): string => JSON.stringify({ w: { dtype, shape, data_offsets: [0, end] } })
  expect(check(safetensors(headerOf(bytes), new Uint8Array(bytes)))).toEqual({ kind: 'finite', tensors: 0 })
  expect(check(safetensors(headerOf(bytes + 1), new Uint8Array(bytes + 1)))).toMatchObject({
    kind: 'malformed',
    why: expect.stringContaining(`its shape requires ${bytes} bytes`) as string,
  })
})

test.each<[string, string]>([
  [
    '{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}',
    'its shape requires 8 bytes, but its offsets span 4',
  ],
  ['{"w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}', 'does not follow the data before it'],
  ['{"w":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}', 'it ends before it begins'],
  ['{"w":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}', 'its shape is not a list of sizes'],
  ['{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 'describes 4 bytes of data, but it has 0'],
  ['{"w":1}', 'it is not an object'],
  ['{"w":', 'its header is not a JSON object'],
])('reports the header %s as malformed', (header, why) => {
  const verdict = check(safetensors(header))
  expect(verdict.kind).toBe('malformed')
  expect(verdict).toHaveProperty('why', expect.stringContaining(why))
})

test('ends with a verdict for any bytes that begin like a known format', () => {
  const starts = names.map((name) => fixture(name))
  fc.assert(
    fc.property(
      fc.nat(starts.length - 1),
      fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(255)), { maxLength: 20 }),
      fc.integer({ min: 1, max: 3000 }),
      (which, changes, chunkBytes) => {
        const bytes = Uint8Array.from(starts[which] ?? [])
        for (const [where, value] of changes) bytes[Math.floor(where * bytes.byteLength)] = value
        expect(check(bytes, chunkBytes).kind).toMatch(/^(finite|not finite|malformed|unknown format)$/)
      },
    ),
    { numRuns: 500 },
  )
})
