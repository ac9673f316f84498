import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { MemoryBackend } from '../../src/index.ts'
import { storeOn, temporaryFolder } from '../stores.ts'

/** A backend on which each read of a file waits until the test continues it. */
class WaitingBackend extends MemoryBackend {
  readonly waiting: (() => void)[] = []

  override async read(...parameters: Parameters<MemoryBackend['read']>) {
    const [key] = parameters
    if (key.endsWith('/model.bin')) await new Promise<void>((resolve) => this.waiting.push(resolve))
    return super.read(...parameters)
  }

  async reads(count: number): Promise<void> {
    await expect.poll(() => this.waiting.length).toBe(count)
  }
}

test('keeps a checkpoint until the last of several restores of it is over', async () => {
  const backend = new WaitingBackend()
  const writer = storeOn(backend, { mode: 'shared' })
  for (const step of [1, 2]) await writer.save({ step, files: { 'model.bin': Buffer.from(`model ${step}`) } })
  const store = storeOn(backend, { mode: 'shared', retention: { keepLast: 1 } })
  const folder = await temporaryFolder()

  const short = store.restore(1, { to: join(folder, 'short') })
  const long = store.restore(1, { to: join(folder, 'long') })
  await backend.reads(2)
  backend.waiting[0]?.()
  await Promise.race([short, long])
  expect((await store.prune()).dropped).toEqual([])

  backend.waiting[1]?.()
  await Promise.all([short, long])
  for (const name of ['short', 'long'])
    expect(await readFile(join(folder, name, 'model.bin'), 'utf8')).toBe('model 1')
  expect((await store.prune()).dropped.map(({ step }) => step)).toEqual([1])
})
