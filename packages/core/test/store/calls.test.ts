import { expect, test } from 'vitest'
import { CheckpointStore, copyCheckpoints, MemoryBackend } from '../../src/index.ts'
import { keysOf, storeOn } from '../stores.ts'

const misspelt = { sginal: AbortSignal.abort() } as object

/** A call of every method that has options, with a misspelt one. */
const calls: Readonly<Record<string, (store: CheckpointStore) => Promise<unknown>>> = {
  abandoned: (store) => store.abandoned(misspelt),
  attach: (store) => store.attach(1, { loss: 1 }, misspelt),
  best: (store) => store.best('loss', misspelt),
  delete: (store) => store.delete([1], misspelt),
  doctor: (store) => store.doctor(misspelt),
  forgetMirror: (store) => store.forgetMirror(misspelt),
  forgetObjective: (store) => store.forgetObjective('loss', misspelt),
  get: (store) => store.get('latest', misspelt),
  history: (store) => store.history(misspelt),
  join: (store) => store.join(misspelt),
  latest: (store) => store.latest(misspelt),
  list: (store) => store.list(misspelt),
  localPath: (store) => store.localPath('latest', 'a', misspelt),
  markGood: (store) => store.markGood(1, misspelt),
  metrics: (store) => store.metrics(misspelt),
  mirrorStatus: (store) => store.mirrorStatus(misspelt),
  nextDrops: (store) => store.nextDrops(misspelt),
  pin: (store) => store.pin(1, 'x', misspelt),
  plateau: (store) => store.plateau('loss', misspelt),
  presence: (store) => store.presence(misspelt),
  prune: (store) => store.prune(misspelt),
  quarantined: (store) => store.quarantined(misspelt),
  read: (store) => store.read('latest', 'a', misspelt),
  removed: (store) => store.removed(misspelt),
  repair: (store) => store.repair(misspelt),
  restore: (store) => store.restore('latest', { to: 'x', ...misspelt }),
  rewind: (store) => store.rewind(1, misspelt),
  save: (store) => store.save({ step: 1, files: {}, ...misspelt }),
  saveInBackground: (store) => store.saveInBackground({ step: 1, files: {}, ...misspelt }),
  sweep: (store) => store.sweep(misspelt),
  tensors: (store) => store.tensors('latest', misspelt),
  undo: (store) => store.undo(misspelt),
  unfinishedJointSaves: (store) => store.unfinishedJointSaves(misspelt),
  unfinishedSaves: (store) => store.unfinishedSaves(misspelt),
  unpin: (store) => store.unpin(1, misspelt),
  unscored: (store) => store.unscored(misspelt),
  verify: (store) => store.verify(misspelt),
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
    await expect(call(storeOn(backend, ranks))).rejects.toMatchObject(error)
    expect(await keysOf(backend)).toEqual([])
  },
)

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
