import { expect, test } from 'vitest'
import {
  CheckpointStore,
  copyCheckpoints,
  defineConfig,
  type Duration,
  listRuns,
  MemoryBackend,
  openStore,
  type RanksOptions,
  parseDuration,
  parseSize,
  type Size,
  type SpaceOptions,
} from '../../src/index.ts'
import type { ObjectStoreOptions } from '../../src/backend.ts'
import { codeOf } from '../stores.ts'

/** The compiler checks these tests: the build fails if a line after `@ts-expect-error` compiles. */

const objectives = {
  loss: { metric: 'val_loss', direction: 'min' },
  pck: { metric: 'pck', direction: 'max' },
} as const

test('accepts only the names of the objectives that the options define', async () => {
  await using store = await openStore('mem:', { objectives, config: false })
  expect(await store.best('loss')).toBeUndefined()
  expect(await store.get('best:pck')).toBeUndefined()
  // @ts-expect-error there is no objective `lss`
  expect(await codeOf(store.best('lss'))).toBe('INVALID_ARGUMENT')
  // @ts-expect-error there is no objective `lss`
  expect(await codeOf(store.plateau('lss'))).toBe('INVALID_ARGUMENT')
  // @ts-expect-error there is no objective `lss`
  expect(await codeOf(store.restore('best:lss', { to: './nowhere' }))).toBe('INVALID_ARGUMENT')
  // @ts-expect-error there is no objective `lss`
  expect(await codeOf(store.read('best:lss', 'w.bin'))).toBe('INVALID_ARGUMENT')
  await using other = await openStore('mem:', { config: false })
  // @ts-expect-error the source has no objective `lss`
  expect(await codeOf(copyCheckpoints(store, other, { checkpoints: ['best:lss'] }))).toBe('NOT_FOUND')
})

test('accepts only the names of the objectives that a constructed store defines', async () => {
  await using store = new CheckpointStore(new MemoryBackend(), { objectives })
  // @ts-expect-error there is no objective `lss`
  expect(await codeOf(store.best('lss'))).toBe('INVALID_ARGUMENT')
})

test('accepts every name if no objectives are known', async () => {
  await using unknown = await openStore('mem:', { config: false })
  expect(await codeOf(unknown.best('recorded'))).toBe('INVALID_ARGUMENT')
  await using unchecked = await openStore<string>('mem:', { objectives, config: false })
  expect(await codeOf(unchecked.plateau('recorded'))).toBe('INVALID_ARGUMENT')
  await using known = await openStore('mem:', { objectives, config: false })
  const widened: CheckpointStore = known
  expect(await codeOf(widened.best('recorded'))).toBe('INVALID_ARGUMENT')
})

test('does not compile keepBest without an objective of that name', async () => {
  const config = false
  // @ts-expect-error no objective is defined
  expect(await codeOf(openStore('mem:', { config, retention: { keepBest: { loss: 1 } } }))).toBe(
    'INVALID_ARGUMENT',
  )
  // @ts-expect-error no objective is defined
  expect(defineConfig({ retention: { keepBest: { loss: 1 } } })).toBeDefined()
  const retention = { keepBest: { lss: 1 } }
  // @ts-expect-error there is no objective `lss`
  expect(await codeOf(openStore('mem:', { config, objectives, retention }))).toBe('INVALID_ARGUMENT')
  expect(defineConfig({ objectives, retention: { keepBest: { loss: 1 } } })).toBeDefined()
})

test('lets a program name the objectives of its configuration file', async () => {
  const named = openStore<'loss'>('mem:', { config: false, retention: { keepBest: { loss: 1 } } })
  expect(await codeOf(named)).toBe('INVALID_ARGUMENT')
})

test('compiles durations and sizes only in their units', () => {
  const durations: readonly Duration[] = ['30 min', '30min', '4h', '1.5 d', 1000]
  expect(durations.map(parseDuration)).toEqual([1_800_000, 1_800_000, 14_400_000, 129_600_000, 1000])
  const sizes: readonly Size[] = ['10GB', '10 GB', '64 MiB', 5]
  expect(sizes.map(parseSize)).toEqual([10e9, 10e9, 64 * 2 ** 20, 5])
  const space: SpaceOptions = { warnBelow: '5%', refuseBelow: '2 GB' }
  expect(space).toBeDefined()
  // @ts-expect-error `m` could mean minutes or months
  const minutes: Duration = '30m'
  expect(() => parseDuration(minutes)).toThrow('is not a duration')
  const mirror = { store: 'mem:', flushLimit: '1 h' } as const
  expect(defineConfig({ gracePeriod: '2 d', mirror })).toBeDefined()
  // @ts-expect-error `m` could mean minutes or months
  expect(defineConfig({ gracePeriod: '30m' })).toBeDefined()
  // @ts-expect-error there is no such unit
  expect(defineConfig({ mirror: { store: 'mem:', flushLimit: '2 hours' } })).toBeDefined()
  const ranks: RanksOptions = { rank: 0, size: 2, joinTimeout: '1 h', saveTimeout: 60_000 }
  expect(ranks).toBeDefined()
  // @ts-expect-error there is no such unit
  const patient: RanksOptions = { rank: 0, size: 2, saveTimeout: '1 hour' }
  expect(patient).toBeDefined()
  const limits: ObjectStoreOptions = {
    retry: { minDelay: '1 s' },
    minimumProgress: { bytes: '1 MiB', within: '1 min' },
  }
  expect(limits).toBeDefined()
  // @ts-expect-error there is no such unit
  const sparse: ObjectStoreOptions = { minimumProgress: { bytes: '1 M', within: '1 min' } }
  expect(sparse).toBeDefined()
  // @ts-expect-error a duration has a unit
  const fortnights: Duration = '2 fortnights'
  expect(() => parseDuration(fortnights)).toThrow('is not a duration')
  // @ts-expect-error there is no such unit
  const parsecs: Size = '5 parsecs'
  expect(() => parseSize(parsecs)).toThrow('is not a size')
})

test('accepts no options of the adapter for a store in memory', async () => {
  // @ts-expect-error a store in memory has no region
  await using store = await openStore('mem:', { config: false, backend: { region: 'eu-west-1' } })
  expect(store.url).toBe('mem:')
})

test('accepts no options of the adapter for a path, which names a folder', async () => {
  const backend = { region: 'eu-west-1' } as const
  // @ts-expect-error a folder has no region
  expect(await codeOf(openStore('./runs/a', { config: false, backend }))).not.toBe('no error')
  // @ts-expect-error a folder has no region
  expect(await codeOf(openStore('/runs/a', { config: false, backend }))).not.toBe('no error')
  // @ts-expect-error a folder has no region
  expect(await codeOf(openStore('~/runs/a', { config: false, backend }))).not.toBe('no error')
  // @ts-expect-error a folder has no region
  expect(defineConfig({ store: './runs/a', backend })).toBeDefined()
  // A variable may contain a URL.
  expect(defineConfig({ store: '$STORE/a', backend })).toBeDefined()
  expect(defineConfig({ store: 'runs/a', backend })).toBeDefined()
})

test('checks the options of the adapter of a mirror, and of a list of runs', async () => {
  const backend = { region: 'eu-west-1' } as const
  // @ts-expect-error a store in memory has no region
  await using store = await openStore('mem:', { config: false, mirror: { store: 'mem:', backend } })
  expect(store.mirror?.url).toBe('mem:')
  // @ts-expect-error a folder has no region
  expect(defineConfig({ mirror: { store: './mirror', backend } })).toBeDefined()
  // @ts-expect-error a store in memory has no region
  expect(await codeOf(listRuns('mem:', { config: false, backend }))).toBe('no error')
})
