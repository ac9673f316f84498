import {
  type CheckpointStore,
  copyCheckpoints,
  type CopyOptions,
  type CopyOutcome,
  MemoryBackend,
} from '../../../src/index.ts'
import { keysOf, storeOn } from '../../stores.ts'

/** Two files for a step, which differ from those of other steps. */
export function filesOf(step: number): Readonly<Record<string, Uint8Array>> {
  return { 'model.bin': Buffer.from(`model of step ${step}`), 'sub/log.txt': Buffer.from(`log ${step}`) }
}

/** A store with checkpoints of these steps, which were saved in this order. */
export async function storeWith(...steps: readonly number[]): Promise<CheckpointStore> {
  const store = storeOn(new MemoryBackend(), { mode: 'shared' })
  for (const step of steps) await store.save({ step, files: filesOf(step), metrics: { loss: step } })
  return store
}

export function newStore(): CheckpointStore {
  return storeOn(new MemoryBackend(), { mode: 'shared' })
}

/** What came of each checkpoint, as `copied 3`. */
export async function copied(
  from: CheckpointStore,
  to: CheckpointStore,
  options?: CopyOptions,
): Promise<readonly string[]> {
  const { outcomes } = await copyCheckpoints(from, to, options)
  return outcomes.map(inWords)
}

export function inWords(outcome: CopyOutcome): string {
  const { kind, step, toStep } = outcome
  const target = step === toStep ? '' : ` to ${toStep}`
  if (kind === 'failed') return `failed ${step}${target}: ${outcome.error.code}`
  return kind === 'skipped' ? `skipped ${step}${target}: ${outcome.because}` : `${kind} ${step}${target}`
}

export async function latestStep(store: CheckpointStore): Promise<number | undefined> {
  return (await store.latest())?.step
}

export async function stepsOf(store: CheckpointStore): Promise<readonly number[]> {
  return (await store.list()).map(({ step }) => step)
}

/** The keys of the files of a step, without those of other attempts. */
export async function dataKeys(store: CheckpointStore, step: number): Promise<readonly string[]> {
  const keys = await keysOf(store.backend, `data/${step}-`)
  return keys.filter((key) => !key.endsWith('/manifest.json'))
}
