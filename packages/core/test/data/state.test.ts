import { describe, expect, test } from 'vitest'
import { isHoldfastError, MemoryBackend } from '../../src/index.ts'
import { BatchSampler, DataLoader, type DataState } from '../../src/data.ts'
import { storeOn, temporaryFolder } from '../stores.ts'

const shuffled = { samples: 100, order: 'shuffled', seed: 7, batchSize: 10 } as const
const drawn = {
  samples: 4,
  order: 'drawn',
  draws: 50,
  weights: [1, 2, 3, 4],
  seed: 7,
  batchSize: 10,
} as const

describe('a state', () => {
  test('is plain JSON that identifies the data and the position', () => {
    const sampler = new BatchSampler(shuffled)
    sampler[Symbol.iterator]().next()
    expect(sampler.stateDict()).toEqual({
      format: 'holdfast-data/1.0',
      kind: 'shuffled',
      seed: 7,
      samples: 100,
      epoch: 0,
      position: 10,
    })
    expect(new BatchSampler(drawn).stateDict()).toEqual({
      format: 'holdfast-data/1.0',
      kind: 'drawn',
      seed: 7,
      samples: 4,
      draws: 50,
      weights: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      epoch: 0,
      position: 0,
    })
  })

  test('of a loader can be loaded into a sampler, and vice versa', async () => {
    const loader = new DataLoader(
      Array.from({ length: 100 }, (_, index) => index),
      { order: 'shuffled', seed: 7, batchSize: 5 },
    )
    for await (const _ of loader) if (loader.position === 20) break
    const sampler = new BatchSampler(shuffled)
    sampler.loadStateDict(loader.stateDict())
    expect(sampler.position).toBe(20)
    sampler[Symbol.iterator]().next()
    loader.loadStateDict(sampler.stateDict())
    expect(loader.position).toBe(30)
  })

  test('of a later minor version can be loaded, and unknown members are ignored', () => {
    const sampler = new BatchSampler(shuffled)
    sampler.loadStateDict({ ...sampler.stateDict(), format: 'holdfast-data/1.7', position: 30, later: true })
    expect(sampler.stateDict()).toMatchObject({ format: 'holdfast-data/1.0', position: 30 })
  })

  test('of another order may have draws and weights, which are ignored', () => {
    const sampler = new BatchSampler(shuffled)
    sampler.loadStateDict({ ...sampler.stateDict(), position: 30, draws: 50, weights: 'abc' })
    expect(sampler.position).toBe(30)
    expect(sampler.stateDict()).not.toHaveProperty('draws')
  })

  test('with a random state of zeros is rejected, and the position stays where it was', () => {
    const loader = new DataLoader([1, 2, 3, 4], { order: 'sequential', batchSize: 1 })
    const state = { ...loader.stateDict(), position: 2, random: [0, 0, 0, 0] }
    expect(() => {
      loader.loadStateDict(state)
    }).toThrow('A random state must have a word other than 0')
    expect(loader.position).toBe(0)
  })

  test('is kept unchanged in a checkpoint, with unknown members', async () => {
    const store = storeOn(new MemoryBackend())
    const loader = new DataLoader(
      Array.from({ length: 100 }, (_, index) => index),
      { order: 'shuffled', seed: 7, batchSize: 10 },
    )
    for await (const _ of loader) if (loader.position === 40) break
    await store.save({ step: 1, files: { a: Buffer.from('a') }, dataState: loader.stateDict() })
    await store.save({
      step: 2,
      files: { a: Buffer.from('a') },
      dataState: { ...loader.stateDict(), mine: [1] },
    })
    const restored = await store.restore(1, { to: await temporaryFolder() })
    expect(restored?.dataState).toEqual(loader.stateDict())
    expect((await store.get(2))?.dataState).toEqual({ ...loader.stateDict(), mine: [1] })
    const resumed = new DataLoader(
      Array.from({ length: 100 }, (_, index) => index),
      { order: 'shuffled', seed: 7, batchSize: 10 },
    )
    resumed.loadStateDict(restored?.dataState)
    expect(resumed.stateDict()).toEqual(loader.stateDict())
  })
})

describe('loadStateDict keeps the position and refuses a state', () => {
  const state = new BatchSampler(shuffled).stateDict()
  const stateOfDrawn = new BatchSampler(drawn).stateDict()
  const stateOfWeights = new BatchSampler({ ...drawn, weights: [1, 2, 3, 5] }).stateDict()

  test.each<[string, unknown, keyof typeof samplers, string, string]>([
    [
      'of other data',
      { ...state, samples: 99 },
      'shuffled',
      'INVALID_ARGUMENT',
      '99 samples, shuffled, seed 7',
    ],
    [
      'of another seed',
      { ...state, seed: 8 },
      'shuffled',
      'INVALID_ARGUMENT',
      'This data is: 100 samples, shuffled, seed 7',
    ],
    [
      'of another order',
      { ...state, kind: 'sequential' },
      'shuffled',
      'INVALID_ARGUMENT',
      'saved for other data: 100 samples, sequential',
    ],
    [
      'of a stream',
      { ...state, kind: 'stream' },
      'shuffled',
      'INVALID_ARGUMENT',
      'saved for other data: a stream, seed 7',
    ],
    [
      'of the drawn order',
      stateOfDrawn,
      'shuffled',
      'INVALID_ARGUMENT',
      '50 draws per epoch, weights with SHA-256',
    ],
    ['of other weights', stateOfWeights, 'drawn', 'INVALID_ARGUMENT', 'saved for other data'],
    ['of fewer draws', { ...stateOfDrawn, draws: 49 }, 'drawn', 'INVALID_ARGUMENT', '49 draws per epoch'],
    [
      'with a position beyond the end',
      { ...state, position: 100 },
      'shuffled',
      'INVALID_ARGUMENT',
      'position is 100, but an epoch has only 100 positions',
    ],
    [
      'of a newer version',
      { ...state, format: 'holdfast-data/2.0' },
      'shuffled',
      'UNSUPPORTED',
      'Update @holdfast/core',
    ],
    [
      'of another format',
      { ...state, format: 'other/1.0' },
      'shuffled',
      'INVALID_ARGUMENT',
      'not valid: format',
    ],
    [
      'with a negative position',
      { ...state, position: -1 },
      'shuffled',
      'INVALID_ARGUMENT',
      'not valid: position',
    ],
    ['with half an epoch', { ...state, epoch: 0.5 }, 'shuffled', 'INVALID_ARGUMENT', 'not valid: epoch'],
    ['of an unknown kind', { ...state, kind: 'odd' }, 'shuffled', 'INVALID_ARGUMENT', 'not valid: kind'],
    [
      'with an incomplete generator',
      { ...state, random: [1, 2] },
      'shuffled',
      'INVALID_ARGUMENT',
      'not valid: random',
    ],
    ['that is undefined', undefined, 'shuffled', 'INVALID_ARGUMENT', 'The data state is not valid'],
    ['that is a string', 'epoch 3', 'shuffled', 'INVALID_ARGUMENT', 'The data state is not valid'],
  ])('%s', (_, wrong, kind, code, message) => {
    const sampler = samplers[kind]()
    sampler[Symbol.iterator]().next()
    const before = sampler.stateDict()
    const error = errorOf(() => {
      sampler.loadStateDict(wrong)
    })
    expect(error).toMatchObject({ code, message: expect.stringContaining(message) as string })
    expect(sampler.stateDict()).toEqual(before)
  })

  test('of a loader, and keeps its generator', () => {
    const loader = new DataLoader([1, 2, 3], { order: 'shuffled', seed: 7, batchSize: 1 })
    loader.random.next()
    const before = loader.stateDict()
    const wrong: DataState = { ...before, random: [0, 0, 0, 0] }
    for (const each of [wrong, { ...before, position: 3 }]) {
      const error = errorOf(() => {
        loader.loadStateDict(each)
      })
      expect(isHoldfastError(error, 'INVALID_ARGUMENT')).toBe(true)
      expect(loader.stateDict()).toEqual(before)
    }
  })
})

const samplers = {
  shuffled: () => new BatchSampler(shuffled),
  drawn: () => new BatchSampler(drawn),
}

function errorOf(call: () => void): unknown {
  try {
    call()
    return undefined
  } catch (error) {
    return error
  }
}
