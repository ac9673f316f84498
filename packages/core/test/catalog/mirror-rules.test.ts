import { describe, expect, test } from 'vitest'
import type { Change } from '../../src/catalog/commit/changes/index.ts'
import { nextCatalog, type Writer } from '../../src/catalog/commit/rules/index.ts'
import { keepsAll } from '../../src/catalog/judging/keeping.ts'
import { type AttemptId, mostUnmirrored, newAttemptId } from '../../src/catalog/documents/index.ts'
import { noCatalog, type WholeCatalog } from '../../src/catalog/pages/index.ts'
import type { Objectives } from '../../src/metrics/index.ts'
import { planRetention, type RetentionOptions } from '../../src/retention/index.ts'

const at = '2026-01-01T00:00:00.000Z'
const writer: Writer = { id: 'writer', name: 'writer', mode: 'shared' }
let names = 0

function commit(
  newest: WholeCatalog,
  change: Change,
  retention: RetentionOptions = {},
  objectives: Objectives = {},
): WholeCatalog {
  names += 1
  const keeping = { ...keepsAll, objectives, retention: planRetention(retention, objectives) }
  const verdict = nextCatalog(newest, { writer, commitId: `commit-${names}`, change, keeping, at })
  if (verdict.kind !== 'next') throw new Error(`not committed: ${verdict.kind}`)
  return verdict.catalog
}

function attemptOf(step: number): AttemptId {
  return newAttemptId(step, 0, step.toString(16).padStart(16, '0'))
}

function save(step: number, metrics: Readonly<Record<string, number>> = {}): Change {
  const manifest = { sha256: '0'.repeat(64), size: 1 }
  const order = { segment: 0, base: step }
  const facts = { manifest, fileCount: 1, bytes: 100, savedAt: at, order, metrics, tags: [] }
  return { kind: 'save', entry: { step, attempt: attemptOf(step), ...facts }, onExisting: 'fail' }
}

function recordMirror(settled: readonly number[] = [], place = 's3://b/a', maxBehind = 16): Change {
  return { kind: 'record mirror', place, maxBehind, settled: settled.map(attemptOf) }
}

function saved(newest: WholeCatalog, steps: readonly number[], retention?: RetentionOptions): WholeCatalog {
  return steps.reduce((catalog, step) => commit(catalog, save(step), retention), newest)
}

function waitingIn({ mirror }: WholeCatalog): readonly number[] | undefined {
  return mirror?.waiting.map((attempt) => Number(attempt.split('-')[0]))
}

describe('the record of a mirror', () => {
  test('is absent in a store without one', () => {
    expect(saved(noCatalog, [1, 2]).mirror).toBeUndefined()
  })

  test('begins with all checkpoints, and each save adds its own', () => {
    const catalog = commit(saved(noCatalog, [1, 2]), recordMirror())
    expect(waitingIn(catalog)).toEqual([1, 2])
    expect(waitingIn(saved(catalog, [3]))).toEqual([1, 2, 3])
  })

  test('loses what the mirror has, and what is dropped', () => {
    const catalog = saved(commit(noCatalog, recordMirror()), [1, 2, 3])
    expect(waitingIn(commit(catalog, recordMirror([1])))).toEqual([2, 3])
    expect(waitingIn(commit(catalog, { kind: 'delete', steps: [2], because: 'by hand' }))).toEqual([1, 3])
  })

  test('begins again for another mirror', () => {
    const catalog = commit(saved(commit(noCatalog, recordMirror()), [1, 2]), recordMirror([1, 2]))
    expect(waitingIn(catalog)).toEqual([])
    expect(waitingIn(commit(catalog, recordMirror([], 's3://b/other')))).toEqual([1, 2])
  })

  test('keeps the order of saves when an undo or a verification lists checkpoints again', () => {
    const steps = [1, 2, 3, 4, 5]
    const catalog = commit(saved(commit(noCatalog, recordMirror()), steps), recordMirror([1, 2, 3]))
    const deletion: Change = { kind: 'delete', steps: [2, 3], because: 'by hand', undoFor: 1000 }
    const undone = commit(commit(catalog, deletion), { kind: 'undo', attempts: [2, 3].map(attemptOf) })
    expect(waitingIn(undone)).toEqual([2, 3, 4, 5])
    const found = [{ step: 4, attempt: attemptOf(4), reason: 'test' }]
    const quarantined = commit(catalog, { kind: 'quarantine', found })
    const entries = quarantined.quarantined.map(({ entry }) => entry)
    expect(waitingIn(commit(quarantined, { kind: 'readmit', entries }))).toEqual([4, 5])
  })

  test('is removed on request', () => {
    const catalog = saved(commit(noCatalog, recordMirror()), [1, 2])
    expect(commit(catalog, { kind: 'forget mirror' }).mirror).toBeUndefined()
  })

  test('does not grow without bound', () => {
    const steps = Array.from({ length: mostUnmirrored + 5 }, (_, step) => step)
    const waiting = waitingIn(saved(commit(noCatalog, recordMirror()), steps))
    expect(waiting).toEqual(steps.slice(5))
  })
})

describe('retention with a mirror', () => {
  function listed({ checkpoints }: WholeCatalog): readonly number[] {
    return checkpoints.all.map(({ step }) => step)
  }

  test('keeps what the mirror lacks, up to maxBehind', () => {
    const behind = commit(noCatalog, recordMirror([], 's3://b/a', 2))
    expect(listed(saved(behind, [1, 2, 3, 4], { keepLast: 1 }))).toEqual([3, 4])
    const unlimited = commit(noCatalog, recordMirror())
    expect(listed(saved(unlimited, [1, 2, 3, 4], { keepLast: 1 }))).toEqual([1, 2, 3, 4])
  })

  test('keeps what the mirror lacks after an undo of older checkpoints', () => {
    const catalog = commit(noCatalog, recordMirror([], 's3://b/a', 2))
    const mirrored = commit(saved(catalog, [1, 2, 3]), recordMirror([1, 2, 3], 's3://b/a', 2))
    const pruned = commit(mirrored, { kind: 'delete', steps: [1, 2], because: 'by hand', undoFor: 1000 })
    const undone = commit(saved(pruned, [4]), { kind: 'undo', attempts: [1, 2].map(attemptOf) })
    expect(listed(saved(undone, [5], { keepLast: 1 }))).toEqual([4, 5])
  })

  test('drops it once the mirror has it', () => {
    const catalog = saved(commit(noCatalog, recordMirror()), [1, 2, 3], { keepLast: 1 })
    const mirrored = commit(catalog, recordMirror([1, 3]))
    expect(listed(saved(mirrored, [4], { keepLast: 1 }))).toEqual([2, 4])
  })

  test('drops it for a limit, after what the mirror has, and marks that', () => {
    const catalog = saved(commit(noCatalog, recordMirror()), [1, 2, 3])
    const mirrored = commit(catalog, recordMirror([2]))
    const limited = commit(mirrored, save(4), { maxBytes: 200 })
    expect(listed(limited)).toEqual([3, 4])
    expect(limited.history.at(-1)?.dropped.map(({ step, unmirrored }) => [step, unmirrored])).toEqual([
      [1, true],
      [2, undefined],
    ])
    expect(listed(commit(mirrored, save(4), { maxBytes: 300 }))).toEqual([1, 3, 4])
  })

  test('never drops the latest or a pinned one, whatever the limit', () => {
    const catalog = saved(commit(noCatalog, recordMirror()), [1, 2])
    const pinned = commit(catalog, { kind: 'pin', steps: [1], pin: { at } })
    expect(listed(commit(pinned, save(3), { maxBytes: 100 }))).toEqual([1, 3])
  })

  test('never drops the best of an objective, whatever the limit', () => {
    const objectives: Objectives = { loss: { metric: 'loss', direction: 'min' } }
    const changes = [recordMirror(), save(1, { loss: 1 }), save(2, { loss: 2 })]
    const catalog = changes.reduce((newest, change) => commit(newest, change, {}, objectives), noCatalog)
    expect(listed(commit(catalog, save(3, { loss: 3 }), { maxBytes: 100 }, objectives))).toEqual([1, 3])
  })
})
