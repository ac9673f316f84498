import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { TimeBudget } from './budget.ts'
import { run } from './command.ts'
import { measure } from './measure.ts'
import type { Scale } from './scale.ts'
import { setAside } from './set-aside.ts'
import type { Work, WorkResult } from './work.ts'

/** Work or a contender that was left out, and the reason. */
export interface LeftOut {
  readonly what: string
  readonly why: string
}

/** The results of one group of work. */
export interface GroupResult {
  readonly group: string
  readonly works: readonly WorkResult[]
  readonly leftOut: readonly LeftOut[]
}

export interface BenchFolders {
  /** A folder of this group alone, on the disk that is measured. It is empty at the start. */
  readonly folder: string
  /** Gets what runs left. It is on the same file system, and deleted after the last group. */
  readonly aside: string
}

/** The environment of a group of work: its scale, its folder, and the collector of its results. */
export class Bench {
  readonly scale: Scale
  readonly folder: string
  readonly #aside: string
  readonly #print: (line: string) => void
  readonly #budget: TimeBudget
  readonly #works: WorkResult[] = []
  readonly #leftOut: LeftOut[] = []

  constructor(
    scale: Scale,
    { folder, aside }: BenchFolders,
    budget: TimeBudget,
    print: (line: string) => void,
  ) {
    this.scale = scale
    this.folder = folder
    this.#aside = aside
    this.#budget = budget
    this.#print = print
  }

  /** Measures work, and adds the result. With `onDisk`, pending writes reach the disk before each run. */
  async measure(work: Work, { onDisk = false } = {}): Promise<WorkResult> {
    this.#print(work.name)
    const { rounds, quick } = this.scale
    const result = await measure(work, {
      rounds: work.rounds ?? rounds,
      warmUp: !quick,
      settle: onDisk && !quick ? () => this.#atRest() : undefined,
      budget: work.rounds === 1 ? Infinity : this.#budget.next(),
    })
    this.#works.push(result)
    if (result.rounds < result.planned)
      this.#print(`  ${result.rounds} of ${result.planned} rounds, because the time of the group was over`)
    for (const { name, median, spread, failure, failedRound } of result.contenders) {
      const value = `${median.toPrecision(4)} ${result.unit} ±${(spread * 100).toFixed(0)} %`
      this.#print(`  ${name}: ${failure ?? value}`)
      if (failedRound !== undefined) this.#print(`  ${name}: one round failed: ${failedRound}`)
    }
    for (const { of, text, value, atMost, measured } of result.verdicts) {
      this.#print(
        `  ${of} / ${measured === undefined ? '' : 'processor time of '}${text}: ${value.toPrecision(3)}${atMost === undefined ? '' : ` (at most ${atMost})`}`,
      )
    }
    return result
  }

  /** States once that something was left out. */
  leaveOut(what: string, why: string): void {
    if (this.#leftOut.some((before) => before.what === what && before.why === why)) return
    this.#print(`${what}: left out, ${why}`)
    this.#leftOut.push({ what, why })
  }

  /** Returns a path in the group's folder at which nothing exists. */
  async fresh(name: string): Promise<string> {
    const path = join(this.folder, name)
    await this.remove(path)
    return path
  }

  /** Removes a file or folder that a run left, and frees its space. */
  async remove(path: string): Promise<void> {
    if (existsSync(path)) await setAside(path, this.#aside)
  }

  async freshFolder(name: string): Promise<string> {
    const path = await this.fresh(name)
    await mkdir(path, { recursive: true })
    return path
  }

  result(group: string): GroupResult {
    return { group, works: this.#works, leftOut: this.#leftOut }
  }

  /** Writes of earlier runs must not reach the disk while the next run is measured. */
  async #atRest(): Promise<void> {
    await run('sync', ['-f', this.folder])
  }
}
