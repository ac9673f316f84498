import { describe, expect, test } from 'vitest'
import type { Present, PresentState } from '../src/adoption/inventory.ts'
import {
  decideNext,
  defaultLimits,
  longStart,
  noRestarts,
  type PastStart,
} from '../src/supervisor/decide-next.ts'
import { decideOnSignal } from '../src/supervisor/decide-on-signal.ts'
import { planResume, type ResumeFacts } from '../src/supervisor/plan-resume.ts'

describe('after the end of a program', () => {
  const failed: PastStart = {
    ending: { kind: 'exited', code: 1 },
    lasted: 1_000,
    hasSaved: false,
    isStopping: false,
    forwarded: new Set(),
  }
  const killed = { ending: { kind: 'signalled', signal: 'SIGKILL' } } as const
  const limits = { ...defaultLimits, restarts: 3 }

  test.each<[string, Partial<PastStart>, string, string | undefined]>([
    ['exit code 0 is its end', { ending: { kind: 'exited', code: 0 } }, 'stop', 'finished'],
    ['a requested stop is its end', { isStopping: true }, 'stop', 'requested'],
    [
      'the signal that was passed on is its end',
      { ...killed, forwarded: new Set(['SIGKILL']) },
      'stop',
      'requested',
    ],
    ['another signal is a failure', { ...killed, forwarded: new Set(['SIGUSR1']) }, 'restart', undefined],
    ['any other exit code is a failure', {}, 'restart', undefined],
  ])('%s', (_, change, what, why) => {
    expect(decideNext({ ...failed, ...change }, noRestarts, limits)).toMatchObject({
      do: what,
      ...(why === undefined ? {} : { why }),
    })
  })

  test('the delay doubles until a checkpoint is saved, and the restarts are limited', () => {
    const pasts = [{}, {}, { hasSaved: true }, {}].map((change) => ({ ...failed, ...change }))
    let count = noRestarts
    const delays = pasts.map((past) => {
      const next = decideNext(past, count, limits)
      if (next.do === 'stop') return next.why
      count = next.count
      return next.delay
    })
    expect(delays).toEqual([1_000, 2_000, 1_000, 'exhausted'])
  })

  test('the delay is limited, also after many failures', () => {
    const next = decideNext(failed, { restarts: 0, fruitless: 5_000 }, limits)
    expect(next).toMatchObject({ delay: defaultLimits.longestDelay })
  })

  test('a long start that saved a checkpoint begins the count anew', () => {
    const count = { restarts: 3, fruitless: 3 }
    const long = { ...failed, lasted: longStart }
    expect(decideNext(long, count, limits)).toEqual({ do: 'stop', why: 'exhausted' })
    expect(decideNext({ ...long, hasSaved: true }, count, limits)).toMatchObject({ count: { restarts: 1 } })
  })
})

describe('a signal', () => {
  const asked = { signal: 'SIGTERM', at: 5_000 } as const
  test.each([
    ['SIGTERM', undefined, 0, 'stop'],
    ['SIGINT', undefined, 0, 'stop'],
    ['SIGTERM', asked, 5_999, 'ignore'],
    ['SIGTERM', asked, 6_000, 'abort'],
    ['SIGINT', asked, 6_000, 'abort'],
    ['SIGHUP', undefined, 0, 'forward'],
    ['SIGUSR1', asked, 9_000, 'forward'],
    ['SIGUSR2', undefined, 0, 'forward'],
  ] as const)('%s after %j at %i ms: %s', (signal, before, now, expected) => {
    expect(decideOnSignal(signal, before, now)).toBe(expected)
  })
})

describe('what a program must not find', () => {
  function present(name: string, state: PresentState): Present {
    return { ...state, candidate: { name, path: `/out/${name}`, isFolder: true, captured: { metrics: {} } } }
  }
  function stored(step: number, digest = `d${step}`, isNumbered = true): Present {
    return present(`s${step}${digest}`, { state: 'stored', step, digest, isNumbered })
  }
  const whole = present('whole', { state: 'unsaved', step: 21, isSignalled: true })
  const doubtful = present('doubtful', { state: 'unsaved', step: 22, isSignalled: false })
  const torn = present('torn', { state: 'incomplete', missing: 'DONE' })
  const hollow = present('hollow', { state: 'hollow', step: 21 })
  const lowHollow = present('low', { state: 'hollow', step: 3 })
  const last = present('sub/last.ckpt', { state: 'repeat' })
  const best = present('best.ckpt', { state: 'repeat' })
  const latest = { step: 20, digest: 'd20' }
  const usual = { latest, isContinuation: true, mayBeTorn: true }

  test.each<[string, readonly Present[], ResumeFacts, readonly Present[], boolean]>([
    ['nothing in an empty folder', [], usual, [], false],
    ['nothing beside the latest', [stored(10), stored(20)], usual, [], true],
    ['newer ones', [stored(20), stored(30)], usual, [stored(30)], true],
    ['another version of the step', [stored(20, 'old')], usual, [stored(20, 'old')], false],
    ['an old one without a number', [stored(10, 'd10', false)], usual, [stored(10, 'd10', false)], false],
    ['half a checkpoint', [stored(20), torn, hollow, lowHollow], usual, [torn, hollow], true],
    ['one that may be cut short', [stored(20), doubtful], usual, [doubtful], true],
    ['nothing that continues the latest', [stored(10), whole], usual, [], true],
    ['what does not continue it', [stored(20), whole], { ...usual, isContinuation: false }, [whole], true],
    ['a repetition of another', [last, best], usual, [last], false],
    ['no repetition of the latest', [stored(20), last, best], usual, [], true],
    [
      'nothing of a first run',
      [torn, whole, doubtful],
      { ...usual, latest: undefined, mayBeTorn: false },
      [],
      true,
    ],
    ['half a first checkpoint', [torn, whole], { ...usual, latest: undefined }, [torn], true],
  ])('%s', (_, all, facts, expected, isInPlace) => {
    const plan = planResume(all, facts)
    expect(plan.setAside.map(({ present: each }) => each)).toEqual(expected)
    expect(plan.isInPlace).toBe(isInPlace)
  })

  test('the program continues from the unsaved checkpoint that was written last', () => {
    const later = present('later', { state: 'unsaved', step: 30, isSignalled: true })
    const stepOf = (all: readonly Present[], facts: ResumeFacts): number | undefined =>
      planResume(all, facts).unsavedStep
    expect(stepOf([stored(20), whole, later, doubtful], usual)).toBe(30)
    expect(stepOf([stored(20), whole], { ...usual, isContinuation: false })).toBeUndefined()
    expect(stepOf([stored(20)], usual)).toBeUndefined()
  })

  test('what an incomplete checkpoint lacks is part of the reason', () => {
    const rest = present('rest', { state: 'incomplete', missing: 'files that were deleted' })
    const [reason] = planResume([rest], usual).setAside
    expect(reason?.because).toBe('it is not complete (it lacks files that were deleted)')
  })
})
