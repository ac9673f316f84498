import assert from 'node:assert/strict'
import type { CheckpointStore } from '@holdfast/core'
import { keepLast, type Message, type Operation } from './operations.ts'

interface Known {
  /** The operation whose bytes the step has. */
  readonly id: string
  readonly pinned: boolean
}

/**
 * What must be in the store: all that was acknowledged, and of what was under way when the worker died either all
 * or nothing. Knows nothing of how the store works.
 */
export class Oracle {
  readonly #steps = new Map<number, Known>()
  readonly #everSaved = new Set<number>()
  readonly #underWay = new Map<string, Operation>()

  hear({ when, operation }: Message): void {
    if (when === 'begins') {
      this.#underWay.set(operation.id, operation)
    } else {
      this.#underWay.delete(operation.id)
      if ('step' in operation && operation.kind === 'save') this.#everSaved.add(operation.step)
      this.#apply(operation)
    }
  }

  /** Holds the store against what is known, and learns what became of the operations under way. */
  async judge(store: CheckpointStore): Promise<void> {
    const found = await readAll(store)
    for (const operation of this.#underWay.values()) this.#learn(operation, found)
    this.#underWay.clear()
    this.#forgetDropped(found)
    assert.deepEqual(found, this.#steps)
    assert.deepEqual(await store.quarantined(), [])
  }

  /** A save may drop what is not pinned and had so many newer ones, some deleted since; and nothing else. */
  #forgetDropped(found: ReadonlyMap<number, Known>): void {
    for (const step of found.keys()) this.#everSaved.add(step)
    for (const [step, { pinned }] of this.#steps) {
      const newer = [...this.#everSaved].filter((other) => other > step).length
      if (!found.has(step) && !pinned && newer >= keepLast) this.#steps.delete(step)
    }
  }

  #apply(operation: Operation): void {
    if (!('step' in operation)) return
    const { kind, id, step } = operation
    const before = this.#steps.get(step)
    if (kind === 'delete') this.#steps.delete(step)
    else if (kind === 'save' || kind === 'replace')
      this.#steps.set(step, { id, pinned: before?.pinned ?? false })
    else if (before !== undefined) this.#steps.set(step, { ...before, pinned: kind === 'pin' })
  }

  /** It either happened or did not: whatever the store says of the step must be one of the two. */
  #learn(operation: Operation, found: ReadonlyMap<number, Known>): void {
    if (!('step' in operation)) return
    const now = found.get(operation.step)
    const before = this.#steps.get(operation.step)
    if (now?.id === before?.id && now?.pinned === before?.pinned) return
    this.#apply(operation)
  }
}

async function readAll(store: CheckpointStore): Promise<Map<number, Known>> {
  const found = new Map<number, Known>()
  for (const { step, pinned } of await store.list()) {
    const details = await store.get(step)
    found.set(step, { id: operationOf(details?.metadata), pinned: pinned !== undefined })
  }
  return found
}

function operationOf(metadata: unknown): string {
  if (typeof metadata === 'object' && metadata !== null && 'operation' in metadata)
    return String(metadata.operation)
  return 'none'
}
