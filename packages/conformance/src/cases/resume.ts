import assert from 'node:assert/strict'
import type { CheckpointBackend, PutResult, ReopenableSource } from '@holdfast/core/backend'
import { oddChunks, patterned, sha256 } from '../bytes.ts'
import { assertNothingLeft, assertStored, keysOf, rejectsWith } from '../expect.ts'
import type { Case, Subject } from '../subject.ts'

/** The size of the objects, in parts. */
const parts = 5

/** A put is interrupted when this many parts are stored. */
const partsBefore = 3

export const resumeCases: readonly Case[] = [
  {
    name: 'put rejects the option resume if the capabilities do not declare resumesPuts',
    async run(backend) {
      if (backend.capabilities.resumesPuts) return
      const bytes = patterned(10)
      const put = backend.put('resumed', bytes, { resume: { sha256: sha256(bytes) } })
      await rejectsWith(put, 'UNSUPPORTED')
      assert.equal(await backend.stat('resumed'), undefined)
    },
  },
  caseOf('a resumable put stores sources of every size and kind', async (backend, { partBytes }) => {
    for (const size of [0, 1, partBytes, 2 * partBytes + 1]) {
      const bytes = patterned(size)
      for (const source of [bytes, reopenable(bytes)]) {
        const result = await backend.put(`${size}`, source, { size, resume: { sha256: sha256(bytes) } })
        assert.equal(result.sha256, sha256(bytes))
        assert.equal(result.resumedBytes ?? 0, 0)
        await assertStored(backend, `${size}`, bytes)
      }
    }
  }),
  caseOf('a resumable put continues what an interrupted put left', async (backend, subject) => {
    const { partBytes } = subject
    const bytes = patterned(parts * partBytes)
    await interruptedPut(backend, 'continued', bytes, partBytes)
    assert.deepEqual(await keysOf(backend, ''), [])
    const other = await subject.reopen(backend)
    const { resumedBytes = 0 } = await putAgain(other, 'continued', bytes)
    assert.ok(
      resumedBytes >= partsBefore * partBytes && resumedBytes < bytes.byteLength,
      `only ${resumedBytes} of ${bytes.byteLength} bytes were not sent again`,
    )
    await assertStored(other, 'continued', bytes)
    await other.delete(['continued'])
    await other.close()
    await assertNothingLeft(backend, 'continued')
  }),
  caseOf(
    'a resumable put sends bytes again that differ from those of the source',
    async (backend, subject) => {
      const { partBytes } = subject
      const bytes = patterned(parts * partBytes)
      const flipped = Uint8Array.from(bytes)
      flipped[partBytes + 7] = (flipped[partBytes + 7] ?? 0) ^ 1
      await interruptedPut(backend, 'flipped', flipped, partBytes, sha256(bytes))
      await putAgain(backend, 'flipped', bytes)
      await assertStored(backend, 'flipped', bytes)
    },
  ),
  caseOf(
    'a resumable put rejects a source with another digest, and stores nothing',
    async (backend, subject) => {
      for (const size of [10, 3 * subject.partBytes]) {
        const resume = { sha256: sha256(patterned(size, 2)) }
        for (const source of [oddChunks(patterned(size)), reopenable(patterned(size))])
          await rejectsWith(backend.put('other', source, { size, resume }), 'INVALID_ARGUMENT')
        await assertNothingLeft(backend, 'other')
      }
    },
  ),
  caseOf(
    'resumable puts of one key succeed at once, also after an interrupted one',
    async (backend, subject) => {
      const { partBytes } = subject
      const bytes = patterned(parts * partBytes)
      const others = await Promise.all([1, 2].map(() => subject.reopen(backend)))
      await Promise.all(others.map((other) => putAgain(other, 'together', bytes)))
      await assertStored(backend, 'together', bytes)
      await interruptedPut(backend, 'continued', bytes, partBytes)
      await Promise.all(others.map((other) => putAgain(other, 'continued', bytes)))
      await assertStored(backend, 'continued', bytes)
      await Promise.all(others.map((other) => other.close()))
    },
  ),
  caseOf('a sweep discards what an interrupted resumable put left', async (backend, { partBytes }) => {
    await interruptedPut(backend, 'abandoned', patterned(parts * partBytes), partBytes)
    await assertNothingLeft(backend, 'abandoned')
  }),
]

/** A case for backends that resume puts. */
function caseOf(name: string, run: Case['run']): Case {
  return {
    name,
    notApplicable: ({ resumesPuts }) =>
      resumesPuts ? undefined : 'the capabilities of the backend do not declare resumesPuts',
    run,
  }
}

/** A source that can be opened again at any position. */
function reopenable(bytes: Uint8Array): ReopenableSource {
  return { open: async (start) => oddChunks(bytes.subarray(start)) }
}

async function putAgain(backend: CheckpointBackend, key: string, bytes: Uint8Array): Promise<PutResult> {
  const result = await backend.put(key, reopenable(bytes), {
    size: bytes.byteLength,
    resume: { sha256: sha256(bytes) },
  })
  assert.equal(result.sha256, sha256(bytes))
  return result
}

/** Begins a put, and aborts it after `partsBefore` parts. Its source then yields no more. */
async function interruptedPut(
  backend: CheckpointBackend,
  key: string,
  bytes: Uint8Array,
  partBytes: Subject['partBytes'],
  announced = sha256(bytes),
): Promise<void> {
  const interruption = new AbortController()
  async function* hanging(): AsyncGenerator<Uint8Array> {
    yield* oddChunks(bytes.subarray(0, (partsBefore + 1) * partBytes + 1))
    await new Promise<never>(() => undefined)
  }
  const put = backend.put(
    key,
    { open: async () => hanging() },
    {
      size: bytes.byteLength,
      resume: { sha256: announced },
      signal: interruption.signal,
      onProgress: (stored) => {
        if (stored >= partsBefore * partBytes) interruption.abort()
      },
    },
  )
  await rejectsWith(put, 'ABORTED')
}
