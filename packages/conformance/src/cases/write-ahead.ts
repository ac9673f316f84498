import assert from 'node:assert/strict'
import {
  type CheckpointBackend,
  HoldfastError,
  type PutOptions,
  type PutResult,
  type PutSource,
} from '@holdfast/core/backend'
import { oddChunks, patterned, sha256 } from '../bytes.ts'
import { assertNothingLeft, assertStored, keysOf, rejectsWith } from '../expect.ts'
import type { Case, Subject } from '../subject.ts'

const after = async (): Promise<void> => undefined

export const writeAheadCases: readonly Case[] = [
  {
    name: 'put and commit reject beforeVisible and onVisible if the capabilities do not declare writesAhead',
    async run(backend) {
      if (backend.capabilities.writesAhead === true) return
      await rejectsWith(backend.put('ahead', patterned(10), { beforeVisible: after }), 'UNSUPPORTED')
      await rejectsWith(backend.put('ahead', patterned(10), { onVisible: () => undefined }), 'UNSUPPORTED')
      await rejectsWith(backend.commit('ahead', patterned(10), { beforeVisible: after }), 'UNSUPPORTED')
      assert.equal(await backend.stat('ahead'), undefined)
    },
  },
  caseOf('a put of every kind is visible only after beforeVisible has resolved', async (backend, subject) => {
    const other = await subject.reopen(backend)
    await forEachPut(backend, subject, async (key, source, bytes, options) => {
      let calls = 0
      const beforeVisible = async (): Promise<void> => {
        calls += 1
        for (const each of [backend, other]) {
          assert.equal(await each.stat(key), undefined)
          assert.deepEqual(await keysOf(each, key), [])
        }
      }
      await backend.put(key, source, { ...options, beforeVisible })
      assert.ok(calls > 0, `the put of ${key} did not call beforeVisible`)
      await assertStored(other, key, bytes)
    })
    await other.close()
  }),
  caseOf('a put of every kind calls onVisible once with its result', async (backend, subject) => {
    await forEachPut(backend, subject, async (key, source, bytes, options) => {
      let isAllowed = false
      const reported: PutResult[] = []
      const beforeVisible = async (): Promise<void> => {
        isAllowed = true
      }
      const onVisible = (result: PutResult): void => {
        assert.ok(isAllowed, `the put of ${key} called onVisible before beforeVisible`)
        reported.push(result)
      }
      const result = await backend.put(key, source, { ...options, beforeVisible, onVisible })
      assert.deepEqual(reported, [result])
      await assertStored(backend, key, bytes)
    })
  }),
  caseOf('an object has all its bytes when onVisible is called', async (backend, subject) => {
    const bytes = patterned(2 * subject.partBytes + 1)
    const other = await subject.reopen(backend)
    let reading: Promise<void> | undefined
    const onVisible = (): void => {
      reading = assertStored(other, 'visible', bytes)
    }
    await backend.put('visible', bytes, { onVisible })
    assert.ok(reading !== undefined)
    await reading
    await other.close()
  }),
  caseOf('a put whose beforeVisible rejects stores nothing', async (backend, subject) => {
    await forEachPut(backend, subject, async (key, source, _, options) => {
      const before = await keysOf(backend, '')
      const put = backend.put(key, source, { ...options, beforeVisible: refused, onVisible: unexpected })
      await rejectsWith(put, 'PERMISSION_DENIED')
      assert.equal(await backend.stat(key), undefined)
      assert.deepEqual(await keysOf(backend, ''), before)
    })
    await backend.delete(await keysOf(backend, ''))
    await assertNothingLeft(backend, 'any')
  }),
  caseOf('a put whose beforeVisible rejects keeps the object that has the key', async (backend) => {
    await backend.put('kept', patterned(100))
    const put = backend.put('kept', patterned(200, 2), { beforeVisible: refused, onVisible: unexpected })
    await rejectsWith(put, 'PERMISSION_DENIED')
    await assertStored(backend, 'kept', patterned(100))
  }),
  caseOf('a put or commit that is aborted during beforeVisible stores nothing', async (backend) => {
    for (const method of ['put', 'commit'] as const) {
      const stop = new AbortController()
      const beforeVisible = async (): Promise<void> => {
        stop.abort()
      }
      const call = backend[method]('aborted', patterned(10), { beforeVisible, signal: stop.signal })
      await rejectsWith(call, 'ABORTED')
      await assertNothingLeft(backend, 'aborted')
    }
  }),
  caseOf('a commit is visible only after beforeVisible has resolved', async (backend, subject) => {
    const other = await subject.reopen(backend)
    const beforeVisible = async (): Promise<void> => {
      assert.equal(await other.stat('truth'), undefined)
      assert.deepEqual(await keysOf(other, ''), [])
    }
    assert.equal(await backend.commit('truth', patterned(10), { beforeVisible }), 'created')
    await assertStored(other, 'truth', patterned(10))
    await other.close()
  }),
  caseOf('a commit returns "exists" if another one creates the key during beforeVisible', async (backend) => {
    const beforeVisible = async (): Promise<void> => {
      assert.equal(await backend.commit('truth', Buffer.from('first')), 'created')
    }
    assert.equal(await backend.commit('truth', Buffer.from('second'), { beforeVisible }), 'exists')
    await assertStored(backend, 'truth', Buffer.from('first'))
  }),
  caseOf('a commit whose beforeVisible rejects creates nothing', async (backend) => {
    await rejectsWith(
      backend.commit('truth', patterned(10), { beforeVisible: refused, onCreated: unexpected }),
      'PERMISSION_DENIED',
    )
    await assertNothingLeft(backend, 'truth')
  }),
]

/** A case for backends that write ahead. */
function caseOf(name: string, run: (backend: CheckpointBackend, subject: Subject) => Promise<void>): Case {
  return {
    name,
    notApplicable: ({ writesAhead }) =>
      writesAhead === true ? undefined : 'the capabilities of the backend do not declare writesAhead',
    run,
  }
}

async function refused(): Promise<void> {
  throw new HoldfastError('PERMISSION_DENIED', 'The object must not become visible.')
}

function unexpected(): void {
  assert.fail('the object became visible')
}

/** Calls with the parameters of each kind of put that the backend supports, each with a key of its own. */
async function forEachPut(
  backend: CheckpointBackend,
  { partBytes }: Subject,
  use: (key: string, source: PutSource, bytes: Uint8Array, options: PutOptions) => Promise<void>,
): Promise<void> {
  const { resumesPuts, reusesObjects } = backend.capabilities
  for (const size of [0, 10, 2 * partBytes + 1]) {
    const bytes = patterned(size)
    await use(`ahead/bytes/${size}`, bytes, bytes, { size })
    await use(`ahead/stream/${size}`, oddChunks(bytes), bytes, {})
    if (resumesPuts) {
      const source = { open: async (start: number) => oddChunks(bytes.subarray(start)) }
      await use(`ahead/resume/${size}`, source, bytes, { size, resume: { sha256: sha256(bytes) } })
    }
    if (reusesObjects !== undefined) {
      const key = `first/${size}`
      const { sha256: digest, revision, storeDigest } = await backend.put(key, bytes)
      const object = { backend, key, size, sha256: digest, revision, storeDigest }
      await use(`ahead/unchanged/${size}`, bytes, bytes, { size, unchanged: { object } })
    }
  }
}
