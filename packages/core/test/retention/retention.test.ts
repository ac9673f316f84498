import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bestSteps, evaluate, type Objectives } from '../../src/metrics/index.ts'
import { latestOf } from '../../src/order-key.ts'
import {
  type Candidate,
  type Decision,
  decideRetention,
  planRetention,
  type RetentionOptions,
  type Situation,
} from '../../src/retention/index.ts'

const objectives: Objectives = {
  loss: { metric: 'loss', direction: 'min' },
  pck: { metric: 'pck', direction: 'max' },
  both: { weights: { loss: 1, pck: 1 } },
}
const start = Date.UTC(2026, 0, 1)
const hour = 3_600_000

function candidate(step: number, fields: Partial<Candidate> = {}): Candidate {
  return {
    step,
    epoch: step,
    holds: [{ writtenBy: String(step), bytes: fields.bytes ?? 100, inodes: 3 }],
    bytes: 100,
    savedAt: new Date(start + step * hour),
    tags: [],
    metrics: {},
    order: { segment: 0, base: step },
    storedAt: undefined,
    clockJump: 0,
    pinned: undefined,
    waiting: undefined,
    inUse: undefined,
    ...fields,
  }
}

function situation(
  checkpoints: readonly Candidate[],
  meanings: Objectives = {},
  history = checkpoints,
): Situation {
  const evaluations = evaluate([history], meanings)
  const isThere = (step: number): boolean => checkpoints.some((each) => each.step === step)
  const best = bestSteps(evaluations, meanings, isThere)
  const last = Math.max(start, ...checkpoints.map(({ savedAt }) => savedAt.getTime()))
  return { checkpoints, objectives: meanings, evaluations, best, now: new Date(last) }
}

function decide(
  checkpoints: readonly Candidate[],
  options: RetentionOptions,
  meanings: Objectives = {},
): readonly Decision[] {
  return decideRetention(planRetention(options, meanings), situation(checkpoints, meanings))
}

function kept(decisions: readonly Decision[]): readonly number[] {
  return decisions.flatMap((each) => (each.kept ? [each.step] : []))
}

const ten = Array.from({ length: 10 }, (_, index) => candidate(index + 1))

test('keeps all checkpoints without a policy, and the newest with keepLast', () => {
  expect(kept(decide(ten, {}))).toHaveLength(10)
  const decisions = decide(ten, { keepLast: 3 })
  expect(kept(decisions)).toEqual([8, 9, 10])
  expect(decisions[0]).toEqual({ step: 1, kept: false, because: ['not among the last 3'] })
  expect(decisions[9]).toEqual({ step: 10, kept: true, because: ['last 3'] })
})

test('keeps the last saves of a run that went back to an older step', () => {
  const back = [
    ...ten.slice(0, 4),
    candidate(5, { order: { segment: 0, base: 20 } }),
    candidate(6, { order: { segment: 0, base: 21 } }),
    ...ten.slice(6),
  ]
  expect(kept(decide(back, { keepLast: 2 }))).toEqual([5, 6])
  expect(kept(decide(back, { keepLast: 3 }))).toEqual([5, 6, 10])
})

test('keeps the first checkpoint at or after each multiple of epochs that are saved in between', () => {
  const halves = [0.5, 1, 1.5, 2, 2.5].map((epoch, step) => candidate(step, { epoch }))
  expect(kept(decide(halves, { keepEvery: { epochs: 2 } }))).toEqual([3, 4])
})

test('keeps the first checkpoint at or after each multiple of steps or epochs', () => {
  expect(kept(decide(ten, { keepEvery: { steps: 4 } }))).toEqual([4, 8, 10])
  const odd = [0, 7, 14, 21, 28].map((step) => candidate(step))
  expect(kept(decide(odd, { keepEvery: { steps: 10 } }))).toEqual([0, 14, 21, 28])
  expect(kept(decide(ten, { keepEvery: { epochs: 5 } }))).toEqual([5, 10])
})

test('keeps the first of each interval, those younger than an age, and the newest of each hour, day, week and month', () => {
  expect(kept(decide(ten, { keepEvery: { time: '4 h' } }))).toEqual([1, 4, 8, 10])
  expect(kept(decide(ten, { keepWithin: '3 h' }))).toEqual([8, 9, 10])
  const days = Array.from({ length: 60 }, (_, day) =>
    candidate(day, { savedAt: new Date(start + day * 24 * hour) }),
  )
  expect(kept(decide(days, { keepDaily: 3 }))).toEqual([57, 58, 59])
  expect(kept(decide(days, { keepMonthly: 2 }))).toEqual([58, 59])
  expect(kept(decide(days, { keepWeekly: 2 }))).toEqual([52, 59]) // 2026-02-22 is a Sunday
  expect(kept(decide(ten, { keepHourly: 2 }))).toEqual([9, 10])
})

test('keeps the best of each objective, and gives a reason for each', () => {
  const values = [5, 1, 4, 2, 3]
  const measured = values.map((loss, index) => candidate(index + 1, { metrics: { loss, pck: -loss / 10 } }))
  const decisions = decide(measured, { keepBest: { loss: 2, both: 1 } }, objectives)
  expect(kept(decisions)).toEqual([2, 4, 5])
  expect(decisions[1]?.because).toEqual(['best loss', 'best both', 'best pck'])
  expect(decisions[3]?.because).toEqual(['best 2 loss'])
  expect(decisions[0]?.because).toEqual(['not best'])
})

test('keeps by tags, pins and a function, and checkpoints without a metric yet', () => {
  const some = [
    candidate(1, { tags: ['release'] }),
    candidate(2, { pinned: 'pinned "before lr drop"' }),
    candidate(3),
    candidate(4, { metrics: { loss: 1, pck: 1 } }),
    candidate(5),
    candidate(6),
  ]
  const decisions = decide(
    some,
    {
      keepTags: ['release'],
      keep: ({ step }) => (step === 3 ? 'chosen by hand, for the paper' : undefined),
      keepUnscored: '2 h',
    },
    objectives,
  )
  expect(decisions.map(({ because }) => because)).toEqual([
    ['#release'],
    ['pinned "before lr drop"'],
    ['chosen by hand, for the paper'],
    ['best loss', 'best pck', 'best both'],
    ['waits for loss, pck'],
    ['waits for loss, pck'],
  ])
})

test('evicts the oldest first by a limit, and names the limit', () => {
  const decisions = decide(ten, { maxBytes: 450 })
  expect(kept(decisions)).toEqual([7, 8, 9, 10])
  expect(decisions[0]?.because).toEqual(['over 450 B in all'])
  expect(kept(decide(ten, { keepLast: 5, maxCount: 2 }))).toEqual([9, 10])
  expect(kept(decide([candidate(1, { pinned: 'pinned' }), ...ten.slice(1)], { maxCount: 2 }))).toEqual([
    1, 10,
  ])
})

test('makes room by what retention drops, then by the oldest', () => {
  const plan = planRetention({ keepLast: 8 }, {})
  const room = { bytes: 350, because: 'to make room for step 11' }
  const decisions = decideRetention(plan, situation(ten), room)
  expect(kept(decisions)).toEqual([5, 6, 7, 8, 9, 10])
  expect(decisions[0]?.because).toEqual(['not among the last 8'])
  expect(decisions[2]?.because).toEqual(['to make room for step 11'])
})

const metric = fc.oneof(
  { weight: 8, arbitrary: fc.double({ min: -10, max: 10, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(Number.NaN, Infinity, -Infinity) },
)
const candidates = fc
  .array(
    fc.record({
      loss: fc.option(metric, { nil: undefined }),
      pck: fc.option(metric, { nil: undefined }),
      bytes: fc.nat(1000),
      gap: fc.integer({ min: 1, max: 5 }),
      minutes: fc.nat(3000),
      pinned: fc.boolean(),
      tag: fc.constantFrom('', 'a', 'b'),
      saveOrder: fc.nat(100),
    }),
    { minLength: 1, maxLength: 25 },
  )
  .map((rows) => {
    let step = 0
    return rows.map(({ loss, pck, bytes, gap, minutes, pinned, tag, saveOrder }) => {
      step += gap
      return candidate(step, {
        bytes,
        savedAt: new Date(start + minutes * 60_000),
        metrics: { ...(loss === undefined ? {} : { loss }), ...(pck === undefined ? {} : { pck }) },
        pinned: pinned && step % 3 === 0 ? 'pinned' : undefined,
        tags: tag === '' ? [] : [tag],
        order: { segment: 0, base: saveOrder },
      })
    })
  })

const small = fc.integer({ min: 1, max: 6 })
const policies = fc.record(
  {
    keepLast: small,
    keepEvery: fc.record(
      { steps: small, epochs: small, time: fc.integer({ min: 1, max: 10 * hour }) },
      { requiredKeys: [] },
    ),
    keepWithin: fc.nat(50 * hour),
    keepHourly: small,
    keepDaily: small,
    keepWeekly: small,
    keepMonthly: small,
    keepBest: fc.record({ loss: small, pck: small, both: small }, { requiredKeys: [] }),
    keepTags: fc.constant(['a']),
    keepUnscored: fc.nat(50 * hour),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<RetentionOptions>
const limits = fc.record(
  { maxBytes: fc.nat(5000), maxCount: small },
  { requiredKeys: [] },
) as fc.Arbitrary<RetentionOptions>

test('keeps the latest, the pinned and the best of each objective under every policy and limit', () => {
  fc.assert(
    fc.property(candidates, policies, limits, fc.nat(10_000), (checkpoints, policy, limit, bytes) => {
      const given = situation(checkpoints, objectives)
      const plan = planRetention({ ...policy, ...limit }, objectives)
      const survivors = kept(decideRetention(plan, given, { bytes, because: 'room' }))
      expect(survivors).toContain(latestOf(checkpoints)?.step)
      for (const { step, pinned } of checkpoints) if (pinned !== undefined) expect(survivors).toContain(step)
      for (const steps of given.best.values()) for (const step of steps) expect(survivors).toContain(step)
    }),
    { numRuns: 3000 },
  )
})

test('drops no more after a policy is added', () => {
  fc.assert(
    fc.property(candidates, policies, policies, (checkpoints, one, other) => {
      fc.pre(Object.keys(one).length > 0)
      const fewer = kept(decide(checkpoints, one, objectives))
      const more = kept(decide(checkpoints, { ...other, ...one }, objectives))
      expect(more).toEqual(expect.arrayContaining([...fewer]))
    }),
    { numRuns: 3000 },
  )
})

test('changes nothing if it decides again about the kept checkpoints', () => {
  fc.assert(
    fc.property(candidates, policies, limits, (checkpoints, policy, limit) => {
      const plan = planRetention({ ...policy, ...limit }, objectives)
      const first = situation(checkpoints, objectives)
      const survivors = new Set(kept(decideRetention(plan, first)))
      const left = checkpoints.filter(({ step }) => survivors.has(step))
      const again = { ...situation(left, objectives, checkpoints), now: first.now }
      expect(kept(decideRetention(plan, again))).toEqual([...survivors])
    }),
    { numRuns: 3000 },
  )
})

test('gives a reason for every decision, unless there is no policy', () => {
  fc.assert(
    fc.property(candidates, policies, limits, (checkpoints, policy, limit) => {
      const asked = Object.keys(policy).length > 0
      for (const { kept: isKept, because } of decide(checkpoints, { ...policy, ...limit }, objectives)) {
        if (!isKept || asked) expect(because.length).toBeGreaterThan(0)
      }
    }),
    { numRuns: 2000 },
  )
})

test('keeps all checkpoints if the only policy names no objective, tag or interval', () => {
  for (const policy of [{ keepBest: {} }, { keepTags: [] }, { keepEvery: {} }]) {
    expect(kept(decide(ten, policy)), JSON.stringify(policy)).toEqual(ten.map(({ step }) => step))
    expect(kept(decide(ten, { ...policy, keepLast: 2 })), JSON.stringify(policy)).toEqual([9, 10])
  }
})

test('rejects an invalid or misspelt option, and names it', () => {
  const refused: readonly (readonly [unknown, RegExp])[] = [
    [{ keepLsat: 5 }, /keepLsat/],
    [{ keepLast: 0 }, /keepLast/],
    [{ keepBest: { los: 1 } }, /"los", which is not a defined objective. Known: loss, pck, both/],
    [{ keepWithin: '5 fortnights' }, /5 fortnights/],
    [{ keepEvery: { time: 0 } }, /must be greater than 0/],
    [{ maxBytes: 'plenty' }, /plenty/],
    [{ keep: 'all' }, /function/],
  ]
  for (const [options, message] of refused)
    expect(() => planRetention(options as RetentionOptions, objectives)).toThrow(message)
})
