import { CheckpointStore, MemoryBackend, type StoreOptions } from '@holdfast/core'
import { expect, onTestFinished, test } from 'vitest'
import { differencePageOf, runsPageOf, sourceOf } from '../src/index.ts'

const files = { a: Buffer.from('a') }

function open(options: StoreOptions = {}): CheckpointStore {
  const store = new CheckpointStore(new MemoryBackend('mem:'), { mode: 'shared', ...options })
  onTestFinished(() => store.close())
  return store
}

/** A safetensors file with one tensor of zeros. */
function safetensors(name: string, shape: readonly number[]): Uint8Array {
  const bytes = 4 * shape.reduce((product, size) => product * size, 1)
  const header = Buffer.from(JSON.stringify({ [name]: { dtype: 'F32', shape, data_offsets: [0, bytes] } }))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.byteLength))
  return Buffer.concat([length, header, Buffer.alloc(bytes)])
}

const read = { write: false, now: () => new Date() }

test('a checkpoint has its files, metrics, metadata and tensors', async () => {
  const store = open()
  await store.save({
    step: 3,
    files: { 'model.safetensors': safetensors('w', [2, 3]), 'log.txt': Buffer.from('x') },
    metrics: { loss: Number.NaN },
    metadata: { note: '<b>' },
    dataState: { position: 5 },
    tags: ['release'],
  })
  const source = sourceOf(store, read)
  expect(await source.checkpoint(3)).toMatchObject({
    step: 3,
    tags: ['release'],
    files: { shown: [{ name: 'log.txt', size: 1 }, { name: 'model.safetensors' }], more: 0 },
    metrics: { shown: [{ name: 'loss', value: 'NaN' }] },
    metadata: { text: '{"note":"<b>"}', more: 0 },
    dataState: { text: '{"position":5}' },
  })
  expect(await source.tensors(3)).toEqual({
    files: [
      {
        file: 'model.safetensors',
        format: 'safetensors',
        tensors: { shown: [{ name: 'w', type: 'F32', shape: '[2, 3]' }], more: 0 },
      },
    ],
  })
  await expect(source.checkpoint(4)).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test('long metadata are cut', async () => {
  const store = open()
  await store.save({ step: 1, files, metadata: { text: 'x'.repeat(1_000_000) } })
  const { metadata } = await sourceOf(store, read).checkpoint(1)
  expect(metadata?.text.length).toBe(20_000)
  expect(metadata?.more).toBeGreaterThan(900_000)
})

test('two checkpoints are compared by files, metrics, tags, metadata and tensors', async () => {
  const store = open()
  const first = { m: safetensors('w', [2]), same: Buffer.from('s') }
  await store.save({ step: 1, files: first, metrics: { loss: 2 }, tags: ['x'], metadata: { rate: 1 } })
  await store.save({
    step: 2,
    files: { m: safetensors('w', [3]), same: Buffer.from('s') },
    metrics: { loss: 1 },
    metadata: { rate: 2 },
    dataState: 1,
  })
  const page = await sourceOf(store, read).difference(1, 2)
  expect(page).toMatchObject({ before: 1, after: 2, sameFiles: 1, hasSameDataState: false })
  expect(page.groups.map(({ title, items }) => [title, items.shown])).toEqual([
    ['Files', [{ change: 'changed', name: 'm', before: '70 B · c725cce4', after: '75 B · 87afa47f' }]],
    ['Metrics', [{ change: 'changed', name: 'loss', before: '2', after: '1' }]],
    ['Tags', [{ change: 'removed', name: 'x', before: '' }]],
    ['Metadata', [{ change: 'changed', name: 'rate', before: '1', after: '2' }]],
    ['Tensors', [{ change: 'changed', name: 'w', before: 'F32 [2]', after: 'F32 [3]' }]],
  ])
  const details = await store.get(1)
  if (details === undefined) throw new Error('Step 1 is not saved.')
  expect(differencePageOf([details, details], [[], []])).toMatchObject({ groups: [], sameFiles: 2 })
})

test('a run is read again only after it has changed, or when some time has passed', async () => {
  let now = 0
  const store = open()
  const source = sourceOf(store, { write: false, now: () => new Date(now) })
  await store.save({ step: 1, files })
  const first = await source.read()
  expect(await source.read()).toBe(first)
  now += 20_000
  const later = await source.read()
  expect(later).not.toBe(first)
  await store.save({ step: 2, files })
  expect((await source.read()).checkpoints.map(({ step }) => step)).toEqual([1, 2])
})

test('a page that only reads has no changes', () => {
  expect(sourceOf(open(), read).changes).toBeUndefined()
})

test('the plan of a change changes nothing, and the change does what the plan says', async () => {
  const store = open({ retention: { keepLast: 2 } })
  const { changes } = sourceOf(store, { ...read, write: true })
  if (changes === undefined) throw new Error('The source has no changes.')
  for (const step of [1, 2, 3]) await store.save({ step, files })
  await store.pin(2)
  const pinned = async (): Promise<readonly number[]> =>
    (await store.list()).flatMap((each) => (each.pinned === undefined ? [] : [each.step]))
  await changes.plan({ kind: 'unpin', step: 2 })
  expect(await pinned()).toEqual([2])
  await changes.make({ kind: 'unpin', step: 2 })
  await changes.make({ kind: 'pin', step: 3, reason: 'look' })
  expect(await pinned()).toEqual([3])
  const { steps } = await changes.plan({ kind: 'rewind', step: 2 })
  expect(steps.map(({ step }) => step)).toEqual([3])
  expect((await store.latest())?.step).toBe(3)
  await changes.make({ kind: 'rewind', step: 2 })
  expect((await store.latest())?.step).toBe(2)
})

test('a prune is planned by the retention of the process, and refused without one', async () => {
  const backend = new MemoryBackend('mem:')
  const keepsAll = new CheckpointStore(backend, { mode: 'shared' })
  for (const step of [1, 2, 3]) await keepsAll.save({ step, files })
  const refused = sourceOf(keepsAll, { ...read, write: true }).changes
  await expect(refused?.plan({ kind: 'prune' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  const store = new CheckpointStore(backend, { mode: 'shared', retention: { keepLast: 1 } })
  const { changes } = sourceOf(store, { ...read, write: true })
  const plan = await changes?.plan({ kind: 'prune' })
  expect(plan?.steps.map(({ step }) => step)).toEqual([1, 2])
  expect(await store.list()).toHaveLength(3)
  await changes?.make({ kind: 'prune' })
  expect((await store.list()).map(({ step }) => step)).toEqual([3])
})

test('the plan of a prune says until when it can be undone', async () => {
  const backend = new MemoryBackend('mem:')
  const keepsAll = new CheckpointStore(backend, { mode: 'shared' })
  for (const step of [1, 2]) await keepsAll.save({ step, files })
  const store = new CheckpointStore(backend, { mode: 'shared', retention: { keepLast: 1, grace: '1 d' } })
  const { changes } = sourceOf(store, { ...read, write: true })
  const plan = await changes?.plan({ kind: 'prune' })
  expect(plan?.effect).toBe('These checkpoints are deleted.')
  expect(plan?.undoUntil).toBeGreaterThan(Date.now())
  await changes?.make({ kind: 'prune' })
  expect(await changes?.plan({ kind: 'prune' })).not.toHaveProperty('undoUntil')
})

test('the page of all runs has a summary, a small curve and the fault of each', () => {
  const recentMetrics = Array.from({ length: 64 }, (_, step) => ({ step, metrics: { loss: 1 / 3 + step } }))
  const readable = {
    name: 'a',
    url: 'mem:a',
    state: 'readable',
    latest: undefined,
    changedAt: new Date(0),
    owner: undefined,
    checkpoints: 20,
    quarantined: 0,
    bytes: 5,
    best: { loss: { step: 1, value: Infinity } },
    isComplete: true,
    hasRetention: false,
    hasDropped: false,
    recentMetrics,
  } as const
  const { runs } = runsPageOf([readable, { ...readable, hasRetention: true }], {
    prefix: 'mem:',
    now: new Date(0),
  })
  expect(runs[0]).toMatchObject({ isNeverPruned: true, best: [{ name: 'loss', value: null }] })
  expect(runs[1]).toMatchObject({ isNeverPruned: false })
  const [curve] = runs[0]?.state === 'readable' ? runs[0].curves : []
  expect([curve?.name, curve?.values.length, curve?.values.at(-1)]).toEqual(['loss', 40, 63.33])
})
