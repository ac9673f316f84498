import assert from 'node:assert/strict'
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import {
  type ByteObserver,
  type ByteSource,
  type CheckpointBackend,
  HoldfastError,
  isHoldfastError,
} from '@holdfast/core/backend'
import { collect, inOneBuffer, pausingSource, oddChunks, patterned, sha256 } from '../bytes.ts'
import { assertStored, keysOf, assertNothingLeft, rejectsWith } from '../expect.ts'
import type { Case, Subject } from '../subject.ts'

/** Sizes around the limits at which an implementation may change its behaviour. */
function sizes({ partBytes }: Subject): readonly number[] {
  return [0, 1, 4096, partBytes - 1, partBytes, partBytes + 1, 2 * partBytes + partBytes / 2 + 3]
}

const sources: readonly (readonly [string, (bytes: Uint8Array) => ByteSource])[] = [
  ['bytes', (bytes) => bytes],
  ['an async iterable of unknown length', oddChunks],
  ['a Node.js stream', (bytes) => Readable.from(oddChunks(bytes))],
  ['a web stream', (bytes) => ReadableStream.from<Uint8Array>(oddChunks(bytes))],
]

export const putCases: readonly Case[] = [
  ...sources.map(
    ([what, sourceOf]): Case => ({
      name: `put stores ${what} of every size, and returns the SHA-256 of the stored bytes`,
      async run(backend, subject) {
        for (const size of sizes(subject)) {
          const bytes = patterned(size)
          const result = await backend.put(`sizes/${size}`, sourceOf(bytes))
          assert.equal(result.size, size)
          assert.equal(result.sha256, sha256(bytes))
          await assertStored(backend, `sizes/${size}`, bytes)
        }
      },
    }),
  ),
  {
    name: 'put stores a stream of every size that uses one buffer for all its chunks',
    async run(backend, subject) {
      for (const size of sizes(subject)) {
        const bytes = patterned(size)
        const result = await backend.put(`reused/${size}`, inOneBuffer(bytes))
        assert.equal(result.sha256, sha256(bytes))
        await assertStored(backend, `reused/${size}`, bytes)
      }
    },
  },
  {
    name: 'put stores a local file of every size',
    async run(backend, subject) {
      await withFolder(async (folder) => {
        for (const size of sizes(subject)) {
          const bytes = patterned(size)
          const path = join(folder, String(size))
          await writeFile(path, bytes)
          const result = await backend.put(`files/${size}`, { path }, { size })
          assert.equal(result.sha256, sha256(bytes))
          await assertStored(backend, `files/${size}`, bytes)
        }
      })
    },
  },
  {
    name: 'put stores a local file that is large enough for other threads to hash and send it',
    async run(backend, { partBytes }) {
      await withFolder(async (folder) => {
        const bytes = patterned(32 * 2 ** 20 + Math.min(partBytes, 2 ** 20) + 3)
        const path = join(folder, 'large')
        await writeFile(path, bytes)
        const result = await backend.put('large', { path }, { size: bytes.byteLength })
        assert.equal(result.sha256, sha256(bytes))
        await assertStored(backend, 'large', bytes)
      })
    },
  },
  {
    name: 'put shows an observer every byte once and in order',
    async run(backend, subject) {
      await withFolder(async (folder) => {
        for (const size of sizes(subject)) {
          const bytes = patterned(size)
          const path = join(folder, String(size))
          await writeFile(path, bytes)
          for (const source of [...sources.map(([, sourceOf]) => sourceOf(bytes)), { path }]) {
            let seen: Uint8Array[] = []
            const observe = (): ByteObserver => {
              seen = []
              return { update: (chunk) => seen.push(Uint8Array.from(chunk)) }
            }
            await backend.put(`observed/${size}`, source, { observe })
            assert.ok(
              Buffer.concat(seen).equals(bytes),
              `an observer saw other bytes than the ${size} stored`,
            )
          }
        }
      })
    },
  },
  {
    name: 'put asks for its pace before it sends bytes, and for all of them',
    async run(backend, subject) {
      for (const size of sizes(subject)) {
        const bytes = patterned(size)
        for (const [what, sourceOf] of sources) {
          let asked = 0
          const pace = async (count: number): Promise<void> => {
            asked += count
          }
          await backend.put(`paced/${size}`, sourceOf(bytes), { pace })
          // Bytes that are sent again are asked for again.
          assert.ok(asked >= size, `a put of ${what} asked for ${asked} of ${size} bytes`)
        }
        await assertStored(backend, `paced/${size}`, bytes)
      }
    },
  },
  {
    name: 'put rejects if its pace rejects, and stores nothing',
    async run(backend, { partBytes }) {
      for (const size of [10, 2 * partBytes + 10]) {
        let left = size - 10
        const pace = async (count: number): Promise<void> => {
          left -= count
          if (left < 0) throw new HoldfastError('ABORTED', 'The transfer was ended.')
        }
        await rejectsWith(backend.put('ended', oddChunks(patterned(size)), { pace }), 'ABORTED')
        await assertNothingLeft(backend, 'ended')
      }
    },
  },
  {
    name: 'put replaces an existing object',
    async run(backend) {
      await backend.put('same', patterned(1000, 1))
      await backend.put('same', patterned(500, 2))
      await assertStored(backend, 'same', patterned(500, 2))
    },
  },
  {
    name: 'an object becomes visible only when it is complete, and the object that it replaces stays readable until then',
    async run(backend, subject) {
      const { partBytes } = subject
      const other = await subject.reopen(backend)
      await backend.put('old', patterned(1000, 1))
      const bytes = [patterned(2 * partBytes + 1, 2), patterned(10, 3)] as const
      for (const key of ['new', 'old']) {
        const { source, paused, resume } = pausingSource(...bytes)
        const put = backend.put(key, source)
        await paused
        if (key === 'new') assert.equal(await other.stat('new'), undefined)
        else await assertStored(other, 'old', patterned(1000, 1))
        assert.deepEqual(await keysOf(other, ''), key === 'new' ? ['old'] : ['new', 'old'])
        resume()
        await put
        await assertStored(other, key, Buffer.concat(bytes))
      }
      await other.close()
    },
  },
  {
    name: 'concurrent puts to one key leave the complete body of one of them',
    async run(backend, { partBytes, racingPuts = 'succeed' }) {
      const bodies = [1, 2, 3, 4].map((seed) => patterned(partBytes + seed, seed))
      const stored: Uint8Array[] = []
      await Promise.all(
        bodies.map(async (each) => {
          try {
            await backend.put('contested', oddChunks(each))
            stored.push(each)
          } catch (error) {
            if (racingPuts === 'succeed' || !isHoldfastError(error, 'UNAVAILABLE')) throw error
          }
        }),
      )
      const { body } = await backend.read('contested')
      assert.ok(stored.map(sha256).includes(sha256(await collect(body))))
      assert.deepEqual(await keysOf(backend, ''), ['contested'])
    },
  },
  {
    name: 'concurrent puts and deletes of neighbouring keys succeed',
    async run(backend, subject) {
      await backend.put('shared/folder/of/all/anchor', patterned(10))
      await putAndDeleteTogether(backend, subject)
    },
  },
  {
    name: 'a put succeeds while concurrent deletes empty its folder',
    run: putAndDeleteTogether,
  },
  {
    name: 'put reports progress that never decreases and ends with the size',
    async run(backend, { partBytes }) {
      const reported: number[] = []
      await backend.put('progress', patterned(3 * partBytes + 1), {
        onProgress: (bytes) => reported.push(bytes),
      })
      assert.deepEqual(
        reported,
        reported.toSorted((one, other) => one - other),
      )
      assert.equal(reported.at(-1), 3 * partBytes + 1)
    },
  },
  {
    name: 'put rejects a source that is longer than announced, and stores nothing',
    async run(backend, { partBytes }) {
      for (const size of [10, partBytes + 10]) {
        await rejectsWith(
          backend.put('longer', oddChunks(patterned(size)), { size: size - 1 }),
          'INVALID_ARGUMENT',
        )
        await assertNothingLeft(backend, 'longer')
      }
    },
  },
  {
    name: 'put rejects a source that is shorter than announced, and stores nothing',
    async run(backend, { partBytes }) {
      for (const size of [10, partBytes + 10]) {
        await rejectsWith(
          backend.put('shorter', oddChunks(patterned(size)), { size: size + 1 }),
          'INVALID_ARGUMENT',
        )
        await assertNothingLeft(backend, 'shorter')
      }
    },
  },
  {
    name: 'put rejects if its source stream fails midway, and stores nothing',
    async run(backend, { partBytes }) {
      async function* failing(): AsyncGenerator<Uint8Array> {
        yield patterned(partBytes + 1)
        throw new Error('the disk of the source is gone')
      }
      await rejectsWith(backend.put('failing', failing()), 'INVALID_ARGUMENT')
      await assertNothingLeft(backend, 'failing')
    },
  },
  {
    name: 'put rejects a file that changes during the put, and stores nothing',
    async run(backend, { partBytes }) {
      await withFolder(async (folder) => {
        const path = join(folder, 'changing')
        await writeFile(path, patterned(8 * partBytes))
        const handle = await open(path, 'r+')
        try {
          let overwritten: Promise<unknown> | undefined
          const put = backend.put(
            'changing',
            { path },
            {
              onProgress: () => {
                overwritten ??= handle.write(patterned(100, 9), 0, 100, 0)
              },
            },
          )
          await rejectsWith(put, 'INVALID_ARGUMENT')
          await overwritten
        } finally {
          await handle.close()
        }
      })
      await assertNothingLeft(backend, 'changing')
    },
  },
  {
    name: 'put rejects with NOT_FOUND if the source file does not exist',
    async run(backend) {
      await rejectsWith(
        backend.put('missing', { path: join(tmpdir(), 'holdfast-no-such-file') }),
        'NOT_FOUND',
      )
      await assertNothingLeft(backend, 'missing')
    },
  },
]

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-conformance-'))
  try {
    await use(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function putAndDeleteTogether(backend: CheckpointBackend, subject: Subject): Promise<void> {
  const others = await Promise.all(Array.from({ length: 8 }, () => subject.reopen(backend)))
  await Promise.all(
    others.map(async (other, index) => {
      for (let round = 0; round < 50; round += 1) {
        const key = `shared/folder/of/all/${index}`
        await other.put(key, patterned(10, round))
        assert.deepEqual(await other.delete([key]), { deleted: [key], failed: [] })
      }
      await other.put(`shared/folder/of/all/${index}`, patterned(10, index))
    }),
  )
  for (const index of others.keys())
    await assertStored(backend, `shared/folder/of/all/${index}`, patterned(10, index))
  await Promise.all(others.map((other) => other.close()))
}
