import { HoldfastError } from '@holdfast/core'
import { expect, test } from 'vitest'
import { watchFolder } from '../src/index.ts'
import { layouts } from '../src/layouts/index.ts'
import { torchFile } from './archives.ts'
import { Watched } from './harness.ts'

const pollInterval = 5_000
const quietPeriod = 2_000
const anHour = 3_600_000

test('looks at the folder again within the poll interval after a save that takes minutes', async () => {
  const watched = await Watched.begin()
  const { clock } = watched
  const ended = new AbortController()
  const saves: { readonly began: number; readonly ended: number }[] = []
  let isNextWritten = false
  clock.onWait = async () => {
    if (saves.length === 1 && !isNextWritten) {
      isNextWritten = true
      await watched.write('step_2.pth', torchFile('b'))
    }
    if (saves.length === 2 || clock.now() > anHour) ended.abort()
  }
  await watched.write('step_1.pth', torchFile('a'))
  await watchFolder(watched.store, watched.folder, {
    clock,
    pollInterval,
    quietPeriod,
    notifications: false,
    until: ended.signal,
    onEvent: ({ type }) => {
      if (type !== 'adopted') return
      const began = clock.now()
      clock.pass(120_000)
      saves.push({ began, ended: clock.now() })
    },
  })
  const [first, second] = saves
  expect(Number(second?.began) - Number(first?.ended)).toBeLessThanOrEqual(2 * pollInterval + quietPeriod)
})

test('tries a failed save at once when the watch is to end', async () => {
  const watched = await Watched.begin()
  const { backend, clock } = watched
  const put = backend.put.bind(backend)
  backend.put = async () => {
    throw new HoldfastError('UNAVAILABLE', 'The store is away.')
  }
  const ended = new AbortController()
  let endedAt = 0
  let adoptedAt = anHour
  await watched.write('step_1.pth', torchFile('a'))
  const { adopted, unsaved } = await watchFolder(watched.store, watched.folder, {
    clock,
    pollInterval,
    quietPeriod,
    notifications: false,
    until: ended.signal,
    onEvent: (event) => {
      if (event.type === 'adopted') adoptedAt = clock.now()
      if (event.type !== 'failed' || event.retryIn < 160_000) return
      backend.put = put
      endedAt = clock.now()
      ended.abort()
    },
  })
  expect(adopted).toEqual(['step_1.pth'])
  expect(unsaved).toEqual([])
  expect(adoptedAt - endedAt).toBeLessThanOrEqual(pollInterval)
})

test('ends with a checkpoint that no retry saves, and reports it', async () => {
  const watched = await Watched.begin()
  watched.backend.put = async () => {
    throw new HoldfastError('INSUFFICIENT_SPACE', 'The disk is full.')
  }
  await watched.write('step_1.pth', torchFile('a'))
  const report = await watchFolder(watched.store, watched.folder, {
    clock: watched.clock,
    notifications: false,
    until: AbortSignal.abort(),
  })
  expect(report).toMatchObject({
    adopted: [],
    unsaved: [{ name: 'step_1.pth', error: { code: 'INSUFFICIENT_SPACE' } }],
  })
})

test('rests after it has read a large folder, but no longer than the poll interval', async () => {
  const watched = await Watched.begin()
  const { clock } = watched
  const ended = new AbortController()
  const readTimes = [100, 100_000]
  const rests: number[] = []
  let surveyEnded = 0
  let isResting = false
  const slowLayout = {
    ...layouts.torch,
    read: (...given: Parameters<typeof layouts.torch.read>) => {
      clock.pass(readTimes[rests.length] ?? 0)
      surveyEnded = clock.now()
      isResting = false
      return layouts.torch.read(...given)
    },
  }
  clock.onWait = () => {
    if (isResting) return
    isResting = true
    rests.push(clock.now() - surveyEnded)
    if (rests.length === readTimes.length) ended.abort()
  }
  await watched.write('step_1.pth', torchFile('a').subarray(0, 50))
  await watchFolder(watched.store, watched.folder, {
    layout: slowLayout,
    clock,
    pollInterval,
    notifications: false,
    until: ended.signal,
  })
  expect(rests).toEqual([1_000, pollInterval])
})
