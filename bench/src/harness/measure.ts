import { messageOf } from './command.ts'
import { processorTime } from './processor.ts'
import { median, spread } from './statistics.ts'
import { turnsOf } from './turns.ts'
import type { Comparison, Contender, ContenderResult, Verdict, Work, WorkResult } from './work.ts'

export interface Rounds {
  readonly rounds: number
  /** Whether to run a first round that is verified and not counted. */
  readonly warmUp: boolean
  /** Called before each run; not measured. */
  readonly settle?: (() => Promise<void>) | undefined
  /** Milliseconds that the work may take. A round starts only if it will probably end in time. The first round always runs. */
  readonly budget?: number
}

/** A contender that takes as many times as long as another one is not the fastest. */
const clearlySlower = 2

/**
 * Lets the contenders take turns, so that other load on the machine affects all of them. Each round has another order, so that
 * no contender always begins or always follows the same one. The bytes are verified in the first and the last round.
 *
 * A contender that can decide no ratio takes part in these two rounds only, which leaves time for more rounds of the others.
 */
export async function measure(
  work: Work,
  { rounds: planned, warmUp, settle, budget = Infinity }: Rounds,
): Promise<WorkResult> {
  const entrants = work.contenders.map((contender) => new Entrant(contender))
  const ends = performance.now() + budget
  const first = warmUp ? -1 : 0
  let rounds = 0
  let [lasted, whole, verifying] = [0, 0, 0]
  for (let round = first, isLast = false; !isLast; round += 1) {
    const began = performance.now()
    // The last round, with all contenders and its verification, would exceed the budget if it came after this one.
    const isLate = began + lasted + whole + verifying > ends
    isLast = round >= 0 && (round === planned - 1 || isLate)
    const isVerified = round === first || isLast
    let verified = 0
    const resting = isVerified ? new Set<string>() : undecisive(work, entrants)
    for (const entrant of turnsOf(entrants, round + 1)) {
      if (resting.has(entrant.name)) {
        entrant.rest()
        continue
      }
      await entrant.run(round >= 0, settle)
      if (isVerified) verified += await entrant.verify()
    }
    lasted = performance.now() - began - verified
    if (isVerified) [whole, verifying] = [lasted, verified]
    rounds = round + 1
  }
  const results = entrants.map((entrant) => entrant.result())
  return {
    name: work.name,
    unit: work.unit ?? 'ms',
    ...(work.bytes === undefined ? {} : { bytes: work.bytes }),
    rounds,
    planned,
    ...(work.headline === undefined ? {} : { headline: work.headline }),
    contenders: results,
    verdicts: [
      ...(work.comparisons ?? []).flatMap((comparison) => compare(comparison, results)),
      ...(work.bounds ?? []).map(({ text, of, limit }): Verdict => {
        return { text, of, kind: 'bound', value: resultOf(of, results)?.median ?? NaN, atMost: limit }
      }),
    ],
  }
}

/**
 * Returns the contenders that decide no ratio: each comparison that names them asks for the fastest of several, and in the first
 * round they were clearly slower than another one of those.
 */
function undecisive({ comparisons = [] }: Work, entrants: readonly Entrant[]): ReadonlySet<string> {
  const first = new Map(entrants.map((entrant) => [entrant.name, entrant.first]))
  const decisive = new Set(
    comparisons.flatMap((comparison) => [comparison.of, ...decisiveFor(comparison, first)]),
  )
  const compared = new Set(comparisons.flatMap(({ against }) => against.names))
  return new Set([...compared].filter((name) => !decisive.has(name)))
}

/** Returns the contenders that may decide a comparison. */
function decisiveFor(
  { against: { which, names }, measured = 'time' }: Comparison,
  first: ReadonlyMap<string, Run | undefined>,
): readonly string[] {
  if (which !== 'fastest') return names
  const firstOf = (name: string): number | undefined => {
    const run = first.get(name)
    return measured === 'time' ? run?.value : run?.processor
  }
  const least = Math.min(...names.map((name) => firstOf(name) ?? Infinity))
  return names.filter((name) => (firstOf(name) ?? 0) <= clearlySlower * least)
}

/** What one run of a contender took. */
interface Run {
  readonly value: number
  readonly processor: number | undefined
}

class Entrant {
  readonly #contender: Contender
  /** The values of the rounds, and their processor times. `null` if the round failed. */
  readonly #values: (number | null)[] = []
  readonly #processor: (number | null)[] = []
  readonly #failures: string[] = []
  #first: Run | undefined
  #verified = 0
  #rested = 0
  #hasRun = false
  #isOut = false

  constructor(contender: Contender) {
    this.#contender = contender
  }

  get name(): string {
    return this.#contender.name
  }

  /** The first run that did not fail. */
  get first(): Run | undefined {
    return this.#first
  }

  /** Runs one round. A contender that may fail is out after its second failure, or after its first wrong bytes. */
  async run(counts: boolean, settle: (() => Promise<void>) | undefined): Promise<void> {
    const measured = this.#isOut ? undefined : await this.#measured(settle)
    this.#hasRun = measured !== undefined
    this.#first ??= measured
    if (!counts) return
    this.#values.push(measured?.value ?? null)
    this.#processor.push(measured?.processor ?? null)
  }

  /** Takes no part in a round that counts. */
  rest(): void {
    this.#rested += 1
    this.#values.push(null)
    this.#processor.push(null)
  }

  /** Verifies the bytes of the run, unless it failed. Returns how many milliseconds that took. */
  async verify(): Promise<number> {
    if (!this.#hasRun) return 0
    const began = performance.now()
    try {
      await this.#contender.verify()
      this.#verified += 1
    } catch (error) {
      this.#fail(error)
      this.#isOut = true
    }
    return performance.now() - began
  }

  result(): ContenderResult {
    const known = this.#values.filter((value) => value !== null)
    const isOut = this.#isOut || known.length < (this.#values.length - this.#rested) / 2
    const values = isOut ? [] : this.#values
    const valid = isOut ? [] : known
    const processor = isOut || this.#processor.every((value) => value === null) ? [] : this.#processor
    const [failure] = this.#failures
    return {
      name: this.#contender.name,
      values,
      median: median(valid),
      best: Math.min(...valid),
      spread: spread(valid),
      ...(processor.length === 0 ? {} : { processor }),
      verified: this.#verified,
      ...(failure === undefined ? {} : isOut ? { failure } : { failedRound: failure }),
    }
  }

  /** Returns the value and the processor time of one run; `undefined` if it failed. */
  async #measured(settle: (() => Promise<void>) | undefined): Promise<Run | undefined> {
    try {
      await this.#contender.prepare?.()
      await settle?.()
      const used = await processorTime()
      const began = performance.now()
      const value = await this.#contender.run()
      const elapsed = performance.now() - began
      const usedAfter = await processorTime()
      const processor = used === undefined || usedAfter === undefined ? undefined : usedAfter - used
      return { value: value ?? elapsed, processor }
    } catch (error) {
      this.#fail(error)
      this.#isOut = this.#failures.length > 1
      return undefined
    }
  }

  #fail(error: unknown): void {
    if (this.#contender.mayFail !== true) throw error
    this.#failures.push(messageOf(error))
  }
}

/** Computes the median of the ratios of each round, because both contenders of a round had the same conditions. */
function compare(
  { text, role, of, against, measured = 'time', atMost }: Comparison,
  results: readonly ContenderResult[],
): readonly Verdict[] {
  const judged = measuredOf(resultOf(of, results), measured)
  const others = against.names.flatMap((name) => measuredOf(resultOf(name, results), measured) ?? [])
  if (judged === undefined || others.length === 0) return []
  const byMedian = others.toSorted((one, other) => one.median - other.median)
  const chosen = { slowest: byMedian.slice(-1), fastest: byMedian.slice(0, 1), sum: byMedian }[against.which]
  const ratios = judged.values
    .map(
      (value, round) => (value ?? NaN) / chosen.reduce((sum, { values }) => sum + (values[round] ?? NaN), 0),
    )
    .filter((ratio) => !Number.isNaN(ratio))
  const than = chosen.map(({ name }) => name).join(' and ')
  return [
    {
      text: others.length === 1 || against.which === 'sum' ? text : `${text} (${than})`,
      ...(role === undefined ? {} : { role }),
      than,
      of,
      kind: 'ratio',
      ...(measured === 'time' ? {} : { measured }),
      value: median(ratios),
      ...(atMost === undefined ? {} : { atMost }),
    },
  ]
}

interface Measured {
  readonly values: readonly (number | null)[]
  readonly name: string
  readonly median: number
}

/** Returns the times or the processor times of a contender. */
function measuredOf(
  result: ContenderResult | undefined,
  measured: NonNullable<Comparison['measured']>,
): Measured | undefined {
  if (result === undefined || measured === 'time') return result
  const { name, processor } = result
  return processor && { name, values: processor, median: median(processor.filter((value) => value !== null)) }
}

function resultOf(name: string, results: readonly ContenderResult[]): ContenderResult | undefined {
  return results.find((result) => result.name === name && result.failure === undefined)
}
