import { processorTime } from './processor.ts'
import { median, spread } from './statistics.ts'
import type { Comparison, Contender, ContenderResult, Verdict, Work, WorkResult } from './work.ts'

export interface Rounds {
  readonly rounds: number
  /** Whether to run a first round that is verified and not counted. */
  readonly warmUp: boolean
  /** Called before each run; not measured. */
  readonly settle?: (() => Promise<void>) | undefined
  /** Milliseconds that the work may take. No round begins that would exceed them, except the first. Default: no limit. */
  readonly budget?: number
}

/**
 * Lets the contenders take turns, so that other load on the machine affects all of them equally. Each round starts
 * with another contender. The bytes are verified in the first and the last round.
 */
export async function measure(
  work: Work,
  { rounds: planned, warmUp, settle, budget = Infinity }: Rounds,
): Promise<WorkResult> {
  const entrants = work.contenders.map((contender) => new Entrant(contender))
  const ends = performance.now() + budget
  const first = warmUp ? -1 : 0
  let rounds = 0
  for (let round = first, isLast = false, lasted = 0; !isLast; round += 1) {
    const began = performance.now()
    const isLate = began + 2 * lasted > ends // the next round would exceed the budget
    isLast = round >= 0 && (round === planned - 1 || isLate)
    const isVerified = round === first || isLast
    for (const entrant of rotated(entrants, round + 1)) await entrant.run(round >= 0, isVerified, settle)
    lasted = performance.now() - began
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

class Entrant {
  readonly #contender: Contender
  readonly #values: number[] = []
  readonly #processor: number[] = []
  #verified = 0
  #failure: string | undefined

  constructor(contender: Contender) {
    this.#contender = contender
  }

  async run(counts: boolean, isVerified: boolean, settle: (() => Promise<void>) | undefined): Promise<void> {
    if (this.#failure !== undefined) return
    try {
      await this.#contender.prepare?.()
      await settle?.()
      const used = await processorTime()
      const began = performance.now()
      const value = await this.#contender.run()
      const elapsed = performance.now() - began
      const usedAfter = await processorTime()
      if (isVerified) {
        await this.#contender.verify()
        this.#verified += 1
      }
      if (!counts) return
      this.#values.push(value ?? elapsed)
      if (used !== undefined && usedAfter !== undefined) this.#processor.push(usedAfter - used)
    } catch (error) {
      if (this.#contender.mayFail !== true) throw error
      this.#failure = error instanceof Error ? error.message : String(error)
    }
  }

  result(): ContenderResult {
    const values = this.#failure === undefined ? this.#values : []
    const processor = this.#failure === undefined ? this.#processor : []
    return {
      name: this.#contender.name,
      values,
      median: median(values),
      best: Math.min(...values),
      spread: spread(values),
      ...(processor.length === 0 ? {} : { processor }),
      verified: this.#verified,
      ...(this.#failure === undefined ? {} : { failure: this.#failure }),
    }
  }
}

/** Computes the median of the ratios of each round, because both contenders of a round had the same conditions. */
function compare(
  { text, of, against, measured = 'time', atMost }: Comparison,
  results: readonly ContenderResult[],
): readonly Verdict[] {
  const judged = measuredOf(resultOf(of, results), measured)
  const others = against.names.flatMap((name) => measuredOf(resultOf(name, results), measured) ?? [])
  if (judged === undefined || others.length === 0) return []
  const byMedian = others.toSorted((one, other) => one.median - other.median)
  const chosen = { slowest: byMedian.slice(-1), fastest: byMedian.slice(0, 1), sum: byMedian }[against.which]
  const ratios = judged.values.map((value, round) => {
    return value / chosen.reduce((sum, { values }) => sum + (values[round] ?? NaN), 0)
  })
  const than = chosen.map(({ name }) => name).join(' and ')
  return [
    {
      text: others.length === 1 || against.which === 'sum' ? text : `${text} (${than})`,
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
  readonly name: string
  readonly values: readonly number[]
  readonly median: number
}

/** Returns the times or the processor times of a contender. */
function measuredOf(
  result: ContenderResult | undefined,
  measured: NonNullable<Comparison['measured']>,
): Measured | undefined {
  if (result === undefined || measured === 'time') return result
  const { name, processor } = result
  return processor && { name, values: processor, median: median(processor) }
}

function resultOf(name: string, results: readonly ContenderResult[]): ContenderResult | undefined {
  return results.find((result) => result.name === name && result.failure === undefined)
}

function rotated<T>(items: readonly T[], by: number): readonly T[] {
  const start = by % items.length
  return [...items.slice(start), ...items.slice(0, start)]
}
