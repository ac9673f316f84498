import { type CheckpointStore, type ErrorCode, HoldfastError } from '@holdfast/core'
import { Volume } from 'memfs'
import { describe, expect, test } from 'vitest'
import { systemError } from '../recording.ts'
import type { Effect } from './effects.ts'
import { gated } from './recorder.ts'
import { type Known, openOn, root, scenario, type Step } from './scenario.ts'

const codes: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: 'INSUFFICIENT_SPACE',
  EDQUOT: 'INSUFFICIENT_SPACE',
  EIO: 'UNAVAILABLE',
  EMFILE: 'UNAVAILABLE',
  EROFS: 'PERMISSION_DENIED',
}

/** Returns whether this effect fails. */
type Fault = (effect: Effect, index: number) => boolean

interface Outcome {
  readonly effects: number
  /** The error codes with which the steps failed. */
  readonly errors: readonly ErrorCode[]
}

/**
 * Runs the scenario with a fault that is over after a while. Repeats each failed step until it succeeds. Checks after
 * each failure that the store is as it was before or after the step.
 */
async function runWith(code: string, fault: Fault): Promise<Outcome> {
  const volume = Volume.fromJSON({})
  volume.mkdirSync(root)
  let effects = 0
  const fileSystem = gated(volume, (effect) => {
    effects += 1
    if (fault(effect, effects - 1)) throw systemError(code)
    return undefined
  })
  const errors: ErrorCode[] = []
  let known: Known = new Map()
  let store = openOn(fileSystem)
  for (const step of scenario(fileSystem)) {
    for (;;) {
      const outcome = await attempt(step, store)
      if (!(outcome instanceof HoldfastError)) {
        store = outcome
        break
      }
      errors.push(outcome.code)
      const listed = await contents(openOn(fileSystem))
      expect([known, step.after(known)], `${step.name}: ${outcome.message}`).toContainEqual(listed)
      if (outcome.code !== 'ALREADY_EXISTS' && outcome.code !== 'NOT_FOUND') continue
      expect(listed, `${step.name} was done by the try before`).toEqual(step.after(known))
      break
    }
    known = step.after(known)
    expect(await contents(openOn(fileSystem))).toEqual(known)
  }
  expect((await openOn(fileSystem).verify()).good).toBe(true)
  return { effects, errors }
}

async function attempt(step: Step, store: CheckpointStore): Promise<CheckpointStore | HoldfastError> {
  try {
    return await step.run(store)
  } catch (error) {
    if (error instanceof HoldfastError) return error
    throw error
  }
}

async function contents(store: CheckpointStore): Promise<Known> {
  return new Map((await store.list()).map(({ step, tags: [content = ''] }) => [step, content]))
}

/**
 * Declares the tests of each error. Each error hits every `stride`-th effect. The errors start at different offsets, so
 * a stride equal to the number of errors makes each effect fail once.
 */
export function testFaults(stride: number): void {
  describe.each(Object.entries(codes).map(([code, expected], offset) => ({ code, expected, offset })))(
    '$code',
    ({ code, expected, offset }) => {
      const where = stride === 1 ? 'any single effect' : `one effect in ${stride}`
      test(`at ${where}: fails with a typed error or succeeds, keeps the store consistent, and succeeds at the next attempt`, async () => {
        const { effects } = await runWith(code, () => false)
        const seen = new Set<ErrorCode>()
        for (let failing = offset % stride; failing < effects; failing += stride) {
          const { errors } = await runWith(code, (_, index) => index === failing)
          for (const each of errors) seen.add(each)
        }
        for (const repeated of ['ALREADY_EXISTS', 'NOT_FOUND'] as const) seen.delete(repeated)
        // The few effects that decide a commit may be among the effects that were skipped.
        if (stride > 1) seen.add('OUTCOME_UNKNOWN')
        expect([...seen].toSorted()).toEqual(['OUTCOME_UNKNOWN', expected].toSorted())
      })

      test(`at 12 effects from ${where} on: fails only with the expected error or an unknown outcome`, async () => {
        const { effects } = await runWith(code, () => false)
        for (let first = offset % stride; first < effects; first += 7 * stride) {
          const { errors } = await runWith(
            code,
            ({ kind }, index) =>
              index >= first && index < first + 12 && (kind === 'write' || kind === 'create'),
          )
          expect(
            errors.filter(
              (each) => each !== expected && each !== 'OUTCOME_UNKNOWN' && each !== 'ALREADY_EXISTS',
            ),
          ).toEqual([])
        }
      })
    },
  )
}
