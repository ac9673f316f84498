import type { AttemptId } from '../../catalog/documents/index.ts'

/**
 * The physical copies that the saves of a process share while they run. A save does not see the checkpoints of saves that
 * overlap with it, so without this each of them would share the same copy.
 */
export class SavesThatShare {
  readonly #underWay = new Set<ChosenCopies>()

  /** Begins a save. Dispose of the result after its commit. */
  begin(): ChosenCopies {
    const chosen = new ChosenCopies(() => this.#underWay.delete(chosen))
    for (const other of this.#underWay) chosen.overlapWith(other)
    this.#underWay.add(chosen)
    return chosen
  }
}

/** The physical copies that one save shares, and those of the saves that overlap with it. */
export class ChosenCopies implements Disposable {
  /** For each file name, the attempt whose save wrote the bytes. */
  readonly #writerOf = new Map<string, AttemptId>()
  /** Includes saves that ended meanwhile. */
  readonly #overlapping = new Set<ChosenCopies>()
  readonly #end: () => void

  constructor(end: () => void) {
    this.#end = end
  }

  overlapWith(other: ChosenCopies): void {
    this.#overlapping.add(other)
    other.#overlapping.add(this)
  }

  /** Notes that the save shares the bytes of a file that an attempt wrote. */
  choose(name: string, writer: AttemptId): void {
    this.#writerOf.set(name, writer)
  }

  /** Returns whether another save that overlaps with this one shares these bytes. */
  isTaken(name: string, writer: AttemptId): boolean {
    return [...this.#overlapping].some((other) => other.#writerOf.get(name) === writer)
  }

  [Symbol.dispose](): void {
    this.#end()
  }
}
