import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { MemoryBackend, type ReadableObject, type ReadOptions } from '../../src/backend/index.ts'
import { flipBit, storeOn, temporaryFolder } from '../stores.ts'

/** A backend whose pooled connections damage all bytes. New connections for one read do not. */
class DamagingConnections extends MemoryBackend {
  isDamaging = false

  override async read(key: string, options: ReadOptions = {}): Promise<ReadableObject> {
    const object = await super.read(key, options)
    if (!this.isDamaging || options.newConnection === true) return object
    const bytes = flipBit(Buffer.concat(await Array.fromAsync(object.body)))
    return { ...object, body: ReadableStream.from([bytes]) }
  }
}

test('reads what a connection damages over a new one, so that a good checkpoint is not corrupt', async () => {
  const backend = new DamagingConnections()
  await storeOn(backend).save({ step: 1, files: { 'model.bin': Buffer.from('weights') } })
  backend.isDamaging = true
  const store = storeOn(backend)
  const quarantined: number[] = []
  store.on('quarantined', ({ step }) => quarantined.push(step))
  const to = join(await temporaryFolder(), 'restored')
  expect(await store.restore('latest', { to })).toMatchObject({ step: 1 })
  expect(await readFile(join(to, 'model.bin'), 'utf8')).toBe('weights')
  expect((await store.verify()).good).toBe(true)
  expect(quarantined).toEqual([])
})
