import assert from 'node:assert/strict'
import type { CheckpointStore } from '@holdfast/core'
import { keepLast, type Message, type Operation } from './operations.ts'

interface Known {
  /** The id of the operation that wrote the bytes of the step. */
  readonly id: string
  readonly pinned: boolean
}

/**
 * Knows what the store must contain: everything that was acknowledged. An operation that was running when its worker
 * died may have happened completely or not at all. The oracle does not know how the store works.
 */
export class Oracle {
  readonly #steps = new Map<number, Known>()
  /** What an undo lists again. */
  readonly #removed = new Map<number, Known>()
  /** The place of each operation in the order in which they began. */
  readonly #places = new Map<string, number>()
  /** The place of the last save of each step, also of steps that were deleted since. */
  readonly #lastSaves = new Map<number, number>()
  readonly #underWay = new Map<string, Operation>()

  hear({ when, operation }: Message): void {
    if (when === 'begins') {
      this.#underWay.set(operation.id, operation)
      this.#places.set(operation.id, this.#places.size)
    } else {
      this.#underWay.delete(operation.id)
      this.#apply(operation)
    }
  }

  /** Compares the store with the expected contents, and learns the outcome of interrupted operations. */
  async judge(store: CheckpointStore): Promise<void> {
    const found = await readAll(store)
    for (const operation of this.#underWay.values()) this.#learn(operation, found)
    this.#underWay.clear()
    this.#forgetDropped(found)
    assert.deepEqual(found, this.#steps)
    assert.deepEqual(await store.quarantined(), [])
  }

  /** A save drops a checkpoint that is not pinned once `keepLast` later saves have committed, and no other. */
  #forgetDropped(found: ReadonlyMap<number, Known>): void {
    for (const [step, { pinned }] of this.#steps) {
      const own = this.#lastSaves.get(step) ?? -1
      const later = [...this.#lastSaves.values()].filter((place) => place > own).length
      if (!found.has(step) && !pinned && later >= keepLast) this.#steps.delete(step)
    }
  }

  #apply(operation: Operation): void {
    if (!('step' in operation)) return
    const { kind, id, step } = operation
    const before = this.#steps.get(step)
    if (kind === 'remove' && before !== undefined) this.#removed.set(step, before)
    if (kind === 'delete' || kind === 'remove') this.#steps.delete(step)
    else if (kind === 'undo') this.#undo(step)
    else if (kind === 'save' || kind === 'replace') {
      this.#steps.set(step, { id, pinned: false })
      this.#lastSaves.set(step, this.#places.get(id) ?? 0)
    } else if (before !== undefined) this.#steps.set(step, { ...before, pinned: kind === 'pin' })
  }

  #undo(step: number): void {
    const removed = this.#removed.get(step)
    assert.ok(removed !== undefined, `step ${step} was not removed`)
    this.#steps.set(step, removed)
    this.#removed.delete(step)
  }

  /** An interrupted operation either happened or did not. Any other state of the step is a fault. */
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
