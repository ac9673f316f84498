import { expect, test } from 'vitest'
import { CheckpointStore, copyCheckpoints, MemoryBackend } from '../../src/index.ts'
import { keysOf, storeOn } from '../stores.ts'

const misspelt = { sginal: AbortSignal.abort() } as object

/** A call of every method that has options. */
const calls: Readonly<Record<string, (store: CheckpointStore, options: object) => Promise<unknown>>> = {
  abandoned: (store, options) => store.abandoned(options),
  attach: (store, options) => store.attach(1, { loss: 1 }, options),
  best: (store, options) => store.best('loss', options),
  delete: (store, options) => store.delete([1], options),
  doctor: (store, options) => store.doctor(options),
  forgetMirror: (store, options) => store.forgetMirror(options),
  forgetObjective: (store, options) => store.forgetObjective('loss', options),
  get: (store, options) => store.get('latest', options),
  history: (store, options) => store.history(options),
  join: (store, options) => store.join(options),
  latest: (store, options) => store.latest(options),
  list: (store, options) => store.list(options),
  localPath: (store, options) => store.localPath('latest', 'a', options),
  markGood: (store, options) => store.markGood(1, options),
  metrics: (store, options) => store.metrics(options),
  mirrorStatus: (store, options) => store.mirrorStatus(options),
  nextDrops: (store, options) => store.nextDrops(options),
  pin: (store, options) => store.pin(1, 'x', options),
  plateau: (store, options) => store.plateau('loss', options),
  presence: (store, options) => store.presence(options),
  prune: (store, options) => store.prune(options),
  quarantined: (store, options) => store.quarantined(options),
  read: (store, options) => store.read('latest', 'a', options),
  removed: (store, options) => store.removed(options),
  repair: (store, options) => store.repair(options),
  restore: (store, options) => store.restore('latest', { to: 'x', ...options }),
  rewind: (store, options) => store.rewind(1, options),
  save: (store, options) => store.save({ step: 1, files: {}, ...options }),
  saveInBackground: (store, options) => store.saveInBackground({ step: 1, files: {}, ...options }),
  sweep: (store, options) => store.sweep(options),
  tensors: (store, options) => store.tensors('latest', options),
  undo: (store, options) => store.undo(options),
  unfinishedJointSaves: (store, options) => store.unfinishedJointSaves(options),
  unfinishedSaves: (store, options) => store.unfinishedSaves(options),
  unpin: (store, options) => store.unpin(1, options),
  unscored: (store, options) => store.unscored(options),
  verify: (store, options) => store.verify(options),
}

const withoutOptions = ['constructor', 'on', 'off', 'flush', 'close']

test('every method with options is in the table of this test', () => {
  const reader: object = Object.getPrototypeOf(CheckpointStore.prototype) as object
  const methods = [CheckpointStore.prototype, reader].flatMap((prototype) =>
    Object.entries(Object.getOwnPropertyDescriptors(prototype)).flatMap(([name, { value }]) =>
      typeof value === 'function' ? [name] : [],
    ),
  )
  const listed = methods.filter((name) => !withoutOptions.includes(name))
  expect([...new Set(listed)].sort()).toEqual(Object.keys(calls).sort())
})

test.each(Object.entries(calls))(
  '%s refuses a misspelt option before it does anything',
  async (name, call) => {
    const backend = new MemoryBackend()
    const ranks = name === 'join' ? { ranks: { rank: 0, size: 2 } } : {}
    const error = { code: 'INVALID_ARGUMENT', message: expect.stringContaining('sginal') as string }
    await expect(call(storeOn(backend, ranks), misspelt)).rejects.toMatchObject(error)
    expect(await keysOf(backend)).toEqual([])
  },
)

/** The methods that never write. */
const reading = [
  'abandoned',
  'best',
  'get',
  'history',
  'latest',
  'list',
  'localPath',
  'metrics',
  'mirrorStatus',
  'nextDrops',
  'plateau',
  'presence',
  'quarantined',
  'read',
  'removed',
  'tensors',
  'unfinishedJointSaves',
  'unfinishedSaves',
  'unscored',
]

test.each(Object.entries(calls).filter(([name]) => !reading.includes(name)))(
  '%s refuses a closed store, and writes nothing',
  async (name, call) => {
    const backend = new MemoryBackend()
    const ranks = name === 'join' ? { ranks: { rank: 0, size: 2 } } : {}
    const store = storeOn(backend, ranks)
    await store.close()
    const error = { code: 'INVALID_ARGUMENT', message: expect.stringContaining('is closed') as string }
    await expect(call(store, {})).rejects.toMatchObject(error)
    expect(await keysOf(backend)).toEqual([])
  },
)

test('a restore that counts its tries takes no store over after it was closed', async () => {
  const backend = new MemoryBackend()
  const first = storeOn(backend)
  await first.save({ step: 1, files: { a: Buffer.from('a') } })
  const second = storeOn(backend)
  await second.close()
  const restore = second.restore('latest', { to: 'unused', fallback: true, maxTries: 3 })
  await expect(restore).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  await first.save({ step: 2, files: { a: Buffer.from('b') } })
})

test('closing a store waits for a verification that runs', async () => {
  const backend = new MemoryBackend()
  const store = storeOn(backend)
  await store.save({ step: 1, files: { a: Buffer.from('a') } })
  const ended: string[] = []
  const verified = store.verify().then(() => ended.push('verify'))
  await store.close()
  ended.push('close')
  await verified
  expect(ended).toEqual(['verify', 'close'])
})

test('a copy refuses a misspelt option before it does anything', async () => {
  const to = new MemoryBackend()
  const from = storeOn(new MemoryBackend())
  await from.save({ step: 1, files: { a: Buffer.from('a') } })
  const error = { code: 'INVALID_ARGUMENT', message: expect.stringContaining('sginal') as string }
  await expect(copyCheckpoints(from, storeOn(to), misspelt)).rejects.toMatchObject(error)
  expect(await keysOf(to)).toEqual([])
})

test.each([
  ['background', { background: { limt: 1 } }, 'limt'],
  ['space', { space: { refusBelow: 1 } }, 'refusBelow'],
] as const)('a store refuses a misspelt option of %s', (_, options, name) => {
  expect(() => storeOn(new MemoryBackend(), options as never)).toThrow(name)
})
