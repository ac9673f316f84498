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
