import assert from 'node:assert/strict'
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { type ByteSource, type CheckpointBackend, isHoldfastError } from '@holdfast/core/backend'
import { collect, inTwoGoes, oddChunks, patterned, sha256 } from '../bytes.ts'
import { holds, keysOf, leavesNothing, rejectsWith } from '../expect.ts'
import type { Case, Subject } from '../subject.ts'

/** Sizes around every border that an implementation may have. */
function sizes({ partBytes }: Subject): readonly number[] {
  return [0, 1, 4096, partBytes - 1, partBytes, partBytes + 1, 2 * partBytes + partBytes / 2 + 3]
}

const sources: readonly (readonly [string, (bytes: Uint8Array) => ByteSource])[] = [
  ['bytes', (bytes) => bytes],
  ['an async iterable of unknown length', oddChunks],
  ['a stream of Node.js', (bytes) => Readable.from(oddChunks(bytes))],
  ['a stream of the web', (bytes) => ReadableStream.from<Uint8Array>(oddChunks(bytes))],
]

export const putCases: readonly Case[] = [
  ...sources.map(
    ([what, sourceOf]): Case => ({
      name: `put stores ${what} of every size, and its digest is of the stored bytes`,
      async run(backend, subject) {
        for (const size of sizes(subject)) {
          const bytes = patterned(size)
          const result = await backend.put(`sizes/${size}`, sourceOf(bytes))
          assert.equal(result.size, size)
          assert.equal(result.sha256, sha256(bytes))
          await holds(backend, `sizes/${size}`, bytes)
        }
      },
    }),
  ),
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
          await holds(backend, `files/${size}`, bytes)
        }
      })
    },
  },
  {
    name: 'put replaces a key that exists',
    async run(backend) {
      await backend.put('same', patterned(1000, 1))
      await backend.put('same', patterned(500, 2))
      await holds(backend, 'same', patterned(500, 2))
    },
  },
  {
    name: 'what is being put is not visible before it is whole, and what it replaces stands until then',
    async run(backend, subject) {
      const { partBytes } = subject
      const other = await subject.reopen(backend)
      await backend.put('old', patterned(1000, 1))
      const bytes = [patterned(2 * partBytes + 1, 2), patterned(10, 3)] as const
      for (const key of ['new', 'old']) {
        const { source, halfWay, goOn } = inTwoGoes(...bytes)
        const put = backend.put(key, source)
        await halfWay
        if (key === 'new') assert.equal(await other.stat('new'), undefined)
        else await holds(other, 'old', patterned(1000, 1))
        assert.deepEqual(await keysOf(other, ''), key === 'new' ? ['old'] : ['new', 'old'])
        goOn()
        await put
        await holds(other, key, Buffer.concat(bytes))
      }
      await other.close()
    },
  },
  {
    name: 'of racing puts of one key one stands, whole',
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
    name: 'puts and deletes of neighbouring keys do not hinder each other',
    async run(backend, subject) {
      await backend.put('shared/folder/of/all/anchor', patterned(10))
      await putAndDeleteTogether(backend, subject)
    },
  },
  {
    name: 'a folder that becomes empty does not take along what is being put into it',
    run: putAndDeleteTogether,
  },
  {
    name: 'put tells its progress, never decreasing, and last the size',
    async run(backend, { partBytes }) {
      const told: number[] = []
      await backend.put('progress', patterned(3 * partBytes + 1), { onProgress: (bytes) => told.push(bytes) })
      assert.deepEqual(
        told,
        told.toSorted((one, other) => one - other),
      )
      assert.equal(told.at(-1), 3 * partBytes + 1)
    },
  },
  {
    name: 'put of a source longer than announced fails, and nothing is stored',
    async run(backend, { partBytes }) {
      for (const size of [10, partBytes + 10]) {
        await rejectsWith(
          backend.put('longer', oddChunks(patterned(size)), { size: size - 1 }),
          'INVALID_ARGUMENT',
        )
        await leavesNothing(backend, 'longer')
      }
    },
  },
  {
    name: 'put of a source shorter than announced fails, and nothing is stored',
    async run(backend, { partBytes }) {
      for (const size of [10, partBytes + 10]) {
        await rejectsWith(
          backend.put('shorter', oddChunks(patterned(size)), { size: size + 1 }),
          'INVALID_ARGUMENT',
        )
        await leavesNothing(backend, 'shorter')
      }
    },
  },
  {
    name: 'put of a stream that fails half-way fails, and nothing is stored',
    async run(backend, { partBytes }) {
      async function* failing(): AsyncGenerator<Uint8Array> {
        yield patterned(partBytes + 1)
        throw new Error('the disk of the source is gone')
      }
      await rejectsWith(backend.put('failing', failing()), 'INVALID_ARGUMENT')
      await leavesNothing(backend, 'failing')
    },
  },
  {
    name: 'put of a file that changes meanwhile fails, and nothing is stored',
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
      await leavesNothing(backend, 'changing')
    },
  },
  {
    name: 'put of a file that is not there is NOT_FOUND',
    async run(backend) {
      await rejectsWith(
        backend.put('missing', { path: join(tmpdir(), 'holdfast-no-such-file') }),
        'NOT_FOUND',
      )
      await leavesNothing(backend, 'missing')
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
    await holds(backend, `shared/folder/of/all/${index}`, patterned(10, index))
  await Promise.all(others.map((other) => other.close()))
}
