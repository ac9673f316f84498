import { describe, expect, test } from 'vitest'
import {
  type AttemptId,
  type Catalog,
  type CatalogEntry,
  emptyCatalog,
  newAttemptId,
} from '../../src/catalog/documents/index.ts'
import type { CheckpointChoice } from '../../src/catalog/judging/choose.ts'
import { JudgedCatalog } from '../../src/catalog/judging/judged-catalog.ts'
import { nextToRestore } from '../../src/catalog/judging/next-to-restore.ts'
import { paged } from '../../src/catalog/pages/index.ts'

function attemptOf(step: number): AttemptId {
  return newAttemptId(step, step, '0'.repeat(16))
}

/** A checkpoint whose run continued from an earlier step. */
function entry(step: number, resumedFrom?: number, loss = 1): CatalogEntry {
  return {
    step,
    attempt: attemptOf(step),
    manifest: { sha256: 'a'.repeat(64), size: 500 },
    fileCount: 1,
    bytes: 1,
    savedAt: '2026-01-01T00:00:00.000Z',
    order: { segment: 0, base: step },
    metrics: { loss },
    tags: [],
    ...(resumedFrom === undefined ? {} : { resumed: attemptOf(resumedFrom) }),
  }
}

/** Returns all checkpoints that a restore tries if each is passed over. Quarantined ones are negative. */
function stepsTried(choice: CheckpointChoice, catalog: Partial<Catalog>): readonly number[] {
  const { checkpoints = [] } = catalog
  const metrics = checkpoints.map(({ step, metrics: values, order }) => ({ step, metrics: values, order }))
  const objectives = { loss: { metric: 'loss', direction: 'min' } } as const
  const judged = new JudgedCatalog(
    paged({ ...emptyCatalog, metrics, ...catalog }),
    { objectives, retention: {} },
    new Date(0),
  )
  const passedOver: CatalogEntry[] = []
  const steps: number[] = []
  for (;;) {
    const next = nextToRestore(judged, choice, passedOver)
    if (next === undefined) return steps
    passedOver.push(next.entry)
    steps.push(next.kind === 'listed' ? next.entry.step : -next.entry.step)
  }
}

function quarantined(one: CatalogEntry): Catalog['quarantined'][number] {
  return { entry: one, reason: 'corrupt', at: '2026-01-01T00:00:00.000Z' }
}

describe('a restore tries', () => {
  test('older checkpoints in the order of saves after the latest', () => {
    expect(stepsTried('latest', { checkpoints: [entry(1), entry(2), entry(3)] })).toEqual([3, 2, 1])
  })

  test('first those from which the run of the latest continued', () => {
    const checkpoints = [entry(1), entry(2, 1), entry(3), entry(4, 2)]
    expect(stepsTried('latest', { checkpoints })).toEqual([4, 2, 1, 3])
  })

  test('those from which a run continued over one that is quarantined', () => {
    const checkpoints = [entry(1), entry(3), entry(4, 2)]
    expect(stepsTried('latest', { checkpoints, quarantined: [quarantined(entry(2, 1))] })).toEqual([4, 1, 3])
  })

  test('only older checkpoints after a step', () => {
    const checkpoints = [entry(1), entry(2), entry(3), entry(4)]
    expect(stepsTried(3, { checkpoints })).toEqual([3, 2, 1])
  })

  test('a quarantined step before older ones, so that the restore can refuse it', () => {
    const catalog = { checkpoints: [entry(1), entry(3)], quarantined: [quarantined(entry(2))] }
    expect(stepsTried(2, catalog)).toEqual([-2, 1])
    expect(stepsTried('latest', catalog)).toEqual([3, 1])
  })

  test('the next best after the best, whatever led to it', () => {
    const checkpoints = [entry(1, undefined, 3), entry(2, 1, 2), entry(3, 1, 1)]
    expect(stepsTried('best', { checkpoints })).toEqual([3, 2, 1])
  })

  test('nothing if the step does not exist', () => {
    expect(stepsTried(2, { checkpoints: [entry(1)] })).toEqual([])
  })
})
