import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type ByteObserver,
  type ByteSource,
  type CheckpointBackend,
  HoldfastError,
  type SourceObject,
} from '@holdfast/core/backend'
import { oddChunks, patterned, sha256 } from '../bytes.ts'
import { assertNothingLeft, assertStored, keysOf, rejectsWith } from '../expect.ts'
import type { Case, Subject } from '../subject.ts'

/** The size of an object that may be compared by a part of its bytes first. */
const large = 9 * 2 ** 20

export const unchangedCases: readonly Case[] = [
  {
    name: 'put rejects the option unchanged if the capabilities do not declare reusesObjects',
    async run(backend) {
      if (backend.capabilities.reusesObjects !== undefined) return
      const object = await stored(backend, 'before', patterned(10))
      await rejectsWith(backend.put('after', patterned(10), { unchanged: { object } }), 'UNSUPPORTED')
      assert.equal(await backend.stat('after'), undefined)
    },
  },
  caseOf('a put of unchanged bytes stores sources of every size and kind', async (backend, { partBytes }) => {
    for (const size of [0, 1, partBytes + 1]) {
      const bytes = patterned(size)
      const object = await stored(backend, `${size}/before`, bytes)
      await withSources(bytes, async (source, kind) => {
        const key = `${size}/${kind}`
        const result = await backend.put(key, source, { size, unchanged: { object } })
        assert.equal(result.sha256, sha256(bytes))
        assert.equal(result.size, size)
        await assertStored(backend, key, bytes)
      })
    }
  }),
  caseOf('a put with other bytes than the object stores those of the source', async (backend) => {
    for (const size of [10, large]) {
      const bytes = patterned(size)
      const object = await stored(backend, 'before', bytes)
      for (const differsAt of [0, size >> 1, size - 1]) {
        const other = Uint8Array.from(bytes)
        other[differsAt] = (other[differsAt] ?? 0) ^ 1
        const result = await backend.put('after', other, { size, unchanged: { object } })
        assert.equal(result.reused, undefined)
        await assertStored(backend, 'after', other)
        await assertStored(backend, 'before', bytes)
      }
    }
  }),
  caseOf('a put stores its source if the object is missing or has another size', async (backend) => {
    const bytes = patterned(1000)
    const object = await stored(backend, 'before', bytes)
    for (const unusable of [
      { ...object, key: 'missing' },
      { ...object, size: 999 },
    ]) {
      const result = await backend.put('after', bytes, { unchanged: { object: unusable } })
      assert.equal(result.reused, undefined)
      await assertStored(backend, 'after', bytes)
    }
  }),
  caseOf(
    'an object survives the deletion and the replacement of the one that has its bytes',
    async (backend) => {
      const bytes = patterned(100_000)
      const object = await stored(backend, 'one/first', bytes)
      await backend.put('two/second', bytes, { unchanged: { object } })
      await backend.put('three/third', bytes, { unchanged: { object } })
      await backend.put('one/first', patterned(1000, 2))
      await assertStored(backend, 'two/second', bytes)
      await backend.delete(['one/first', 'three/third'])
      await assertStored(backend, 'two/second', bytes)
      assert.deepEqual(await keysOf(backend, ''), ['two/second'])
      await backend.delete(['two/second'])
      await assertNothingLeft(backend, 'two/second')
    },
  ),
  caseOf('a put of unchanged bytes can be repeated at the same key', async (backend) => {
    const bytes = patterned(5000)
    const object = await stored(backend, 'before', bytes)
    for (let repetition = 0; repetition < 3; repetition += 1)
      await backend.put('after', bytes, { unchanged: { object } })
    await assertStored(backend, 'after', bytes)
    assert.deepEqual(await keysOf(backend, ''), ['after', 'before'])
    assert.deepEqual(await backend.sweep({ olderThan: 0 }), { discarded: [], left: 0 })
  }),
  caseOf('a put of unchanged bytes shows an observer every byte once and in order', async (backend) => {
    const bytes = patterned(3 * 2 ** 20 + 1)
    const object = await stored(backend, 'before', bytes)
    let seen: Uint8Array[] = []
    const observe = (): ByteObserver => {
      seen = []
      return { update: (chunk) => seen.push(Uint8Array.from(chunk)) }
    }
    await backend.put('after', bytes, { observe, unchanged: { object } })
    assert.ok(Buffer.concat(seen).equals(bytes))
  }),
  caseOf('a put of unchanged bytes asks for its pace before it compares or sends bytes', async (backend) => {
    const bytes = patterned(3 * 2 ** 20 + 1)
    const object = await stored(backend, 'before', bytes)
    let asked = 0
    const pace = async (count: number): Promise<void> => {
      asked += count
    }
    await backend.put('after', bytes, { pace, unchanged: { object } })
    assert.ok(asked >= bytes.byteLength, `the put asked for ${asked} of ${bytes.byteLength} bytes`)
    const ended = async (): Promise<void> => {
      throw new HoldfastError('ABORTED', 'The transfer was ended.')
    }
    await rejectsWith(backend.put('ended', bytes, { pace: ended, unchanged: { object } }), 'ABORTED')
    assert.equal(await backend.stat('ended'), undefined)
  }),
  caseOf(
    'a put reports progress that never decreases and ends with the size, whether its bytes are unchanged or not',
    async (backend) => {
      const bytes = patterned(3 * 2 ** 20 + 1)
      const object = await stored(backend, 'before', bytes)
      const other = Uint8Array.from(bytes)
      other[bytes.byteLength - 1] = (other[bytes.byteLength - 1] ?? 0) ^ 1
      for (const source of [bytes, other]) {
        const reported: number[] = []
        const onProgress = (done: number): unknown => reported.push(done)
        await backend.put('after', source, { unchanged: { object }, onProgress })
        assert.deepEqual(
          reported,
          reported.toSorted((one, another) => one - another),
        )
        assert.equal(reported.at(-1), bytes.byteLength)
      }
    },
  ),
  caseOf('a stream is stored, whatever object has its bytes', async (backend) => {
    const bytes = patterned(1000)
    const object = await stored(backend, 'before', bytes)
    await backend.put('after', oddChunks(bytes), { unchanged: { object } })
    await assertStored(backend, 'after', bytes)
  }),
]

/** A case for backends that support the option. */
function caseOf(name: string, run: (backend: CheckpointBackend, subject: Subject) => Promise<void>): Case {
  return {
    name,
    notApplicable: ({ reusesObjects }) =>
      reusesObjects === undefined
        ? 'the capabilities of the backend do not declare reusesObjects'
        : undefined,
    run,
  }
}

/** Stores bytes, and returns what a manifest knows of them. */
async function stored(backend: CheckpointBackend, key: string, bytes: Uint8Array): Promise<SourceObject> {
  const { size, sha256: digest, revision, storeDigest } = await backend.put(key, bytes)
  return { backend, key, size, sha256: digest, revision, storeDigest }
}

/** Calls with the sources that can be read twice: bytes and a file. */
async function withSources(
  bytes: Uint8Array,
  use: (source: ByteSource, kind: string) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-unchanged-'))
  try {
    const path = join(folder, 'source')
    await writeFile(path, bytes)
    await use(bytes, 'bytes')
    await use({ path }, 'file')
  } finally {
    await rm(folder, { recursive: true })
  }
}
