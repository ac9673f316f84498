import { randomBytes } from 'node:crypto'
import { CheckpointStore, copyCheckpoints, MemoryBackend } from '@holdfast/core'
import type { ReadableObject, ReadOptions } from '@holdfast/core/backend'
import { expect, onTestFinished, test } from 'vitest'
import { FileBackend } from '../src/index.ts'
import { temporaryFolder } from './folders.ts'

const size = 3 * 2 ** 20

/** A store whose files arrive with other bytes, shorter or longer, as often as `damaged` says. */
class DamagedReads extends MemoryBackend {
  damaged = 0
  reads = 0
  damage: 'other bytes' | 'too few bytes' | 'too many bytes' = 'other bytes'

  override async read(key: string, options: ReadOptions = {}): Promise<ReadableObject> {
    const object = await super.read(key, options)
    if (!key.endsWith('model.bin')) return object
    this.reads += 1
    if (this.reads > this.damaged) return object
    const bytes = Buffer.concat(await Array.fromAsync(object.body))
    if (this.damage === 'other bytes') bytes[0] = (bytes[0] ?? 0) ^ 1
    const end = this.damage === 'too few bytes' ? -1 : undefined
    const more = this.damage === 'too many bytes' ? [Uint8Array.of(1)] : []
    return { ...object, body: ReadableStream.from([bytes.subarray(0, end), ...more]) }
  }
}

const damages = ['other bytes', 'too few bytes', 'too many bytes'] as const

async function copyOnce(
  damage: DamagedReads['damage'],
  damaged: number,
): Promise<{
  readonly outcome: unknown
  readonly backend: DamagedReads
  readonly to: CheckpointStore
}> {
  const backend = new DamagedReads()
  const from = new CheckpointStore(backend, { mode: 'shared' })
  await from.save({ step: 1, files: { 'model.bin': randomBytes(size) } })
  const to = new CheckpointStore(new FileBackend(await temporaryFolder()), { mode: 'shared' })
  onTestFinished(() => to.close())
  Object.assign(backend, { damage, damaged, reads: 0 })
  const { outcomes } = await copyCheckpoints(from, to)
  await to.flush()
  return { outcome: outcomes[0], backend, to }
}

test.each(damages)('a copy of %s that persist is corrupt, and shows nothing', async (damage) => {
  const { outcome, backend, to } = await copyOnce(damage, Infinity)
  expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'CORRUPT', url: backend.url } })
  expect(backend.reads).toBe(2)
  expect(await Array.fromAsync(to.backend.list('data/'))).toEqual([])
})

test.each(damages)('a copy of %s on their way reads the file again', async (damage) => {
  const { outcome, backend, to } = await copyOnce(damage, 1)
  expect(outcome).toMatchObject({ kind: 'copied' })
  expect(backend.reads).toBe(2)
  expect((await to.verify()).good).toBe(true)
})
