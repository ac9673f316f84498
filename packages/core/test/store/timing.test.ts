import { expect, test } from 'vitest'
import { type Environment, MemoryBackend, systemEnvironment } from '../../src/index.ts'
import { foldingEarly, keysOf, storeOn, tamper, temporaryFolder } from '../stores.ts'

const files = { a: Buffer.from('a') }

/** An environment whose clock moves on by this number of milliseconds whenever it is read. */
function ticking(milliseconds: number): Environment {
  let now = Date.UTC(2026, 0, 1)
  return { ...systemEnvironment, now: () => new Date((now += milliseconds)) }
}

/** A source that sets the clock of its store while it is read. */
async function* whileReading(change: () => void): AsyncGenerator<Uint8Array> {
  change()
  yield Buffer.from('a')
}

test('a checkpoint has the time that its files took', async () => {
  let now = Date.UTC(2026, 0, 1)
  const store = storeOn(new MemoryBackend(), {}, { ...systemEnvironment, now: () => new Date(now) })
  await store.save({ step: 1, files: { a: whileReading(() => (now += 2500)) } })
  const saved = await store.save({ step: 2, files: { a: whileReading(() => (now -= 9000)) } })
  expect(saved.duration).toBe(0)
  expect((await store.list()).map(({ timing }) => timing)).toEqual([
    { saving: 2500, restore: undefined },
    { saving: 0, restore: undefined },
  ])
})

test('the first save after a restore names it', async () => {
  const backend = new MemoryBackend()
  const environment = ticking(10)
  await storeOn(backend, { mode: 'shared' }, environment).save({ step: 1, files })
  const store = storeOn(backend, { mode: 'shared' }, environment)
  await store.restore('latest', { to: await temporaryFolder() })
  await store.save({ step: 2, files })
  await store.save({ step: 3, files })
  const restores = (await store.list()).map(({ timing }) => timing?.restore)
  expect(restores).toEqual([
    undefined,
    { step: 1, at: expect.any(Date) as Date, duration: expect.any(Number) as number },
    undefined,
  ])
  expect(restores[1]?.duration).toBeGreaterThan(0)
})

test('a repair recovers the time of a save from its manifest', async () => {
  const backend = new MemoryBackend()
  const store = storeOn(backend, { mode: 'shared' }, ticking(10))
  await store.save({ step: 1, files })
  const before = (await store.list())[0]?.timing
  for (const key of await keysOf(backend, 'catalog/'))
    await tamper(backend, key, () => Buffer.from('damaged'))
  const repaired = storeOn(backend, { mode: 'shared' })
  await repaired.repair()
  expect((await repaired.list())[0]?.timing).toEqual(before)
  expect(before?.saving).toBeGreaterThan(0)
})

test('the history names the latest commits with what they dropped', async () => {
  const store = storeOn(new MemoryBackend(), { mode: 'shared', retention: { keepLast: 1 } })
  expect(await store.history()).toEqual([])
  await store.save({ step: 1, files })
  await store.save({ step: 2, files })
  await store.pin(2)
  const history = await store.history()
  expect(history.slice(-3).map(({ did, dropped }) => [did, dropped])).toEqual([
    ['save 1', []],
    ['save 2', [{ step: 1, because: 'not among the last 1' }]],
    ['pin 2', []],
  ])
  expect(history.every(({ at }) => at instanceof Date)).toBe(true)
})

test.each([
  ['all lines in one version', systemEnvironment],
  ['lines in pages', foldingEarly],
])('nextDrops returns what the next save then drops, with %s', async (_, environment) => {
  const backend = new MemoryBackend()
  const loss = { loss: { metric: 'loss', direction: 'min' } } as const
  const options = {
    mode: 'shared',
    objectives: loss,
    retention: { keepLast: 2, keepBest: { loss: 1 } },
  } as const
  const store = storeOn(backend, options, environment)
  for (const step of [10, 20, 30, 40, 50])
    await store.save({ step, files, metrics: { loss: Math.abs(step - 30) } })
  await store.rewind(40)
  const reader = storeOn(backend, { mode: 'shared' }, environment)
  const expected = await reader.nextDrops()
  expect(expected.map(({ step, isAbandoned, bytes }) => [step, isAbandoned, bytes])).toEqual([[50, true, 1]])
  await store.save({ step: 60, files })
  const then = (await reader.nextDrops()).map(({ step, because }) => ({ step, because }))
  expect(then.map(({ step }) => step)).toEqual([40])
  const { dropped } = await store.save({ step: 70, files })
  expect(dropped).toEqual(then)
})

test('nextDrops of a store without checkpoints or retention is empty', async () => {
  const store = storeOn(new MemoryBackend(), { mode: 'shared' })
  expect(await store.nextDrops()).toEqual([])
  await store.save({ step: 1, files })
  expect(await store.nextDrops()).toEqual([])
})
