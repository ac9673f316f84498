import { randomBytes } from 'node:crypto'
import { CheckpointStore, copyCheckpoints, HoldfastError, MemoryBackend } from '@holdfast/core'
import type { ReadableObject, ReadOptions } from '@holdfast/core/backend'
import { expect, onTestFinished, test } from 'vitest'
import { FileBackend } from '../src/index.ts'
import { temporaryFolder } from './folders.ts'

const fileCount = 20
const fileBytes = 400_000

/** A store whose objects cannot be read from a byte on. */
class FailingReads extends MemoryBackend {
  readableUntil = Infinity

  override async read(key: string, options: ReadOptions = {}): Promise<ReadableObject> {
    const object = await super.read(key, options)
    const until = this.readableUntil
    let position = options.range?.start ?? 0
    const body = object.body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          position += chunk.byteLength
          if (position > until) throw new HoldfastError('UNAVAILABLE', 'The store does not respond.')
          controller.enqueue(chunk)
        },
      }),
    )
    return { ...object, body }
  }
}

test('a copy continues inside of a pack', async () => {
  const backend = new FailingReads()
  await using from = new CheckpointStore(backend, { packs: 'always' })
  const files = Object.fromEntries(
    Array.from({ length: fileCount }, (_, index) => [`${index}.bin`, randomBytes(fileBytes)]),
  )
  await from.save({ step: 1, files })
  const root = await temporaryFolder()
  const copyInto = async (): Promise<CheckpointStore> => {
    const to = new CheckpointStore(new FileBackend(root), { mode: 'shared', packs: 'always' })
    onTestFinished(() => to.close())
    return to
  }
  backend.readableUntil = 0.9 * fileCount * fileBytes
  await expect(copyCheckpoints(from, await copyInto())).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  backend.readableUntil = Infinity
  const to = await copyInto()
  const [outcome] = (await copyCheckpoints(from, to)).outcomes
  expect(outcome?.kind).toBe('copied')
  // The destination keeps whole chunks of 1 MiB.
  expect(outcome?.kind === 'copied' ? outcome.bytesBefore : 0).toBeGreaterThanOrEqual(3 * 2 ** 20)
  expect(new Set((await to.get(1))?.files.map(({ key }) => key)).size).toBe(1)
  expect((await to.verify()).good).toBe(true)
})
