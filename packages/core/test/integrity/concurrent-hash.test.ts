import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ConcurrentDigest, ConcurrentHash } from '../../src/integrity/index.ts'
import { ThreadHash } from '../../src/integrity/thread-hash.ts'

const mebibyte = 2 ** 20

function shared(bytes: Uint8Array): Uint8Array {
  const buffer = new Uint8Array(new SharedArrayBuffer(bytes.byteLength))
  buffer.set(bytes)
  return buffer
}

const own = (bytes: Uint8Array): Uint8Array => bytes

describe.each([
  ['in its own memory', own],
  ['in shared memory', shared],
])('a ConcurrentHash of chunks %s', (_, placed) => {
  test('equals the hash of the bytes however they are cut, while other hashes run', async () => {
    const chunks = fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(fc.array(chunks, { minLength: 1, maxLength: 4 }), async (all) => {
        const digests = all.map(async (each, index) => {
          const hash = new ConcurrentHash(index % 2 === 0 ? 'sha256' : 'md5')
          await Promise.all(each.map((chunk) => hash.update(placed(chunk))))
          return hash.digest()
        })
        expect(await Promise.all(digests)).toEqual(
          all.map((each, index) =>
            createHash(index % 2 === 0 ? 'sha256' : 'md5')
              .update(Buffer.concat(each))
              .digest('hex'),
          ),
        )
      }),
    )
  })

  test('that is abandoned, before or after its end, does not affect the next hash', async () => {
    for (let round = 0; round < 3; round += 1) {
      const abandoned = new ConcurrentHash('sha256')
      await abandoned.update(placed(Buffer.from('left behind')))
      abandoned.abandon()
      const hash = new ConcurrentHash('sha256')
      await hash.update(placed(Buffer.from('abc')))
      // The one-block example of FIPS 180-4.
      expect(await hash.digest()).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
      hash.abandon()
    }
  })
})

test('a hashing thread that fails rejects pending and later calls, and the next hash gets a new thread', async () => {
  const hash = await ThreadHash.begin('no such algorithm')
  const failure = {
    code: 'UNAVAILABLE',
    retryable: true,
    message: expect.stringContaining('Digest method not supported') as string,
  }
  await expect(hash?.update(shared(Buffer.from('a')))).rejects.toMatchObject(failure)
  await expect(hash?.digest()).rejects.toMatchObject(failure)
  const next = await ThreadHash.begin('sha256')
  await next?.update(shared(Buffer.from('abc')))
  expect(await next?.digest()).toMatch(/^ba7816bf/)
})

describe('a ConcurrentDigest', () => {
  test('allocates shared memory if the total is large and there is a second processor', () => {
    const many = availableParallelism() > 1 ? SharedArrayBuffer : ArrayBuffer
    expect(new ConcurrentDigest(64 * mebibyte).allocate(1).buffer).toBeInstanceOf(many)
    expect(new ConcurrentDigest(mebibyte).allocate(1).buffer).toBeInstanceOf(ArrayBuffer)
    expect(new ConcurrentDigest().allocate(1).buffer).toBeInstanceOf(ArrayBuffer)
  })

  test.each([1, 64])('of %d MiB is correct if two buffers are filled in turn', async (mebibytes) => {
    const digest = new ConcurrentDigest(mebibytes * mebibyte)
    const expected = createHash('sha256')
    const buffers = [digest.allocate(mebibyte), digest.allocate(mebibyte)] as const
    function* goingRound(): Generator<Uint8Array> {
      for (let index = 0; index < mebibytes; index += 1) {
        const buffer = buffers[index % 2 === 0 ? 0 : 1]
        buffer.fill(index)
        expected.update(buffer)
        yield buffer
      }
    }
    let passed = 0
    for await (const chunk of digest.passing(goingRound())) passed += chunk.byteLength
    expect(digest.bytes).toBe(passed)
    expect(digest.sha256()).toBe(expected.digest('hex'))
  })

  test('has no SHA-256 before the end, and closes the source when the loop is left', async () => {
    const digest = new ConcurrentDigest(64 * mebibyte)
    let letGo = false
    function* endless(): Generator<Uint8Array> {
      try {
        for (;;) yield digest.allocate(8)
      } finally {
        letGo = true
      }
    }
    for await (const _ of digest.passing(endless())) break
    expect(letGo).toBe(true)
    expect(() => digest.sha256()).toThrow('not known before all chunks have passed')
  })
})

describe('a process', () => {
  const hashing = `
    import { ConcurrentHash } from '${new URL('../../src/integrity/index.ts', import.meta.url).href}'
    const hash = new ConcurrentHash('sha256')
    await hash.update(new Uint8Array(new SharedArrayBuffer(1)))
    console.log(await hash.digest())`
  const run = async (...flags: readonly string[]): Promise<string> => {
    const node = [...flags, '--input-type=module', '--eval', hashing]
    return (await promisify(execFile)(process.execPath, node)).stdout.trim()
  }
  const digest = createHash('sha256').update(Buffer.alloc(1)).digest('hex')

  test('waits for a running hash, then exits by itself', async () => {
    expect(await run()).toBe(digest)
  })

  test('hashes on its only thread if it may not start others', async () => {
    expect(await run('--permission', '--allow-fs-read=*')).toBe(digest)
  })
})
