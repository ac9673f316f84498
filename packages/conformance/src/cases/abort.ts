import assert from 'node:assert/strict'
import type { CallOptions, CheckpointBackend } from '@holdfast/core/backend'
import { collect, hangingAfter, patterned } from '../bytes.ts'
import { assertNothingLeft, rejectsWith } from '../expect.ts'
import type { Case } from '../subject.ts'

type Call = (backend: CheckpointBackend, options: CallOptions) => Promise<unknown>

/** Every method with a signal. The key `existing` exists. */
const calls: readonly (readonly [string, Call])[] = [
  ['put', (backend, options) => backend.put('new', patterned(10), options)],
  ['commit', (backend, options) => backend.commit('new', patterned(10), options)],
  ['read', (backend, options) => backend.read('existing', options)],
  ['stat', (backend, options) => backend.stat('existing', options)],
  ['list', (backend, options) => Array.fromAsync(backend.list('', options))],
  ['delete', (backend, options) => backend.delete(['existing'], options)],
  ['hash', (backend, options) => backend.hash('existing', options)],
  ['freeSpace', (backend, options) => backend.freeSpace(options)],
  ['sweep', (backend, options) => backend.sweep({ olderThan: 0, ...options })],
]

export const abortCases: readonly Case[] = [
  {
    name: 'every method rejects with ABORTED if the signal has already fired, and changes nothing',
    async run(backend) {
      await backend.put('existing', patterned(10))
      const before = await Array.fromAsync(backend.list(''))
      for (const [, call] of calls)
        await rejectsWith(call(backend, { signal: AbortSignal.abort() }), 'ABORTED')
      assert.deepEqual(await Array.fromAsync(backend.list('')), before)
    },
  },
  {
    name: 'a put that is aborted while its source hangs rejects at once, and leaves nothing',
    async run(backend, { partBytes }) {
      for (const size of [0, 100, partBytes + 100, 3 * partBytes]) {
        const stop = new AbortController()
        const source = hangingAfter(patterned(size), () => {
          stop.abort()
        })
        await rejectsWith(backend.put('hanging', source, { signal: stop.signal }), 'ABORTED')
        await assertNothingLeft(backend, 'hanging')
      }
    },
  },
  {
    name: 'a put that is aborted midway leaves nothing',
    async run(backend, { partBytes }) {
      const stop = new AbortController()
      const put = backend.put('middle', patterned(5 * partBytes), {
        signal: stop.signal,
        onProgress: (bytes) => {
          if (bytes >= partBytes) stop.abort()
        },
      })
      await rejectsWith(put, 'ABORTED')
      await assertNothingLeft(backend, 'middle')
    },
  },
  {
    name: 'a read that is aborted right after its start rejects with ABORTED',
    async run(backend, { partBytes }) {
      await backend.put('beginning', patterned(2 * partBytes))
      const stop = new AbortController()
      const read = backend.read('beginning', { signal: stop.signal })
      stop.abort()
      await rejectsWith(
        read.then(({ body }) => collect(body)),
        'ABORTED',
      )
    },
  },
  {
    name: 'a list that is aborted midway rejects with ABORTED',
    async run(backend) {
      for (let each = 0; each < 5; each += 1) await backend.put(`listing/${each}`, Buffer.from('x'))
      const stop = new AbortController()
      const listed: string[] = []
      const listing = (async () => {
        for await (const { key } of backend.list('listing/', { signal: stop.signal })) {
          listed.push(key)
          stop.abort()
        }
      })()
      await rejectsWith(listing, 'ABORTED')
      assert.deepEqual(listed, ['listing/0'])
    },
  },
  {
    name: 'a read that is aborted midway rejects with ABORTED',
    async run(backend, { partBytes }) {
      await backend.put('reading', patterned(4 * partBytes))
      const stop = new AbortController()
      const { body } = await backend.read('reading', { signal: stop.signal })
      const reading = (async () => {
        for await (const chunk of body) if (chunk.byteLength > 0) stop.abort()
      })()
      await rejectsWith(reading, 'ABORTED')
      const { body: whole } = await backend.read('reading')
      assert.equal((await collect(whole)).byteLength, 4 * partBytes)
    },
  },
]
