import type { WholeCatalog } from '../../src/store/pages/index.ts'
import { type Actor, stepsOf } from './actors.ts'
import type { Protocol } from './protocol.ts'
import { type ActorState, violation, type World } from './world.ts'

export interface Exploration {
  readonly states: number
  /** The shortest history that breaks a promise. */
  readonly counterexample: { readonly what: string; readonly history: readonly string[] } | undefined
}

/** How a state was first reached. */
interface Arrival {
  readonly parent: number
  readonly name: string
}

/** Visits every state that the actors can bring about, nearest first, until one breaks a promise or none is left. */
export function explore(
  initial: World,
  actors: readonly Actor[],
  protocol: Protocol,
  limit = Infinity,
): Exploration {
  const digests = new Digests()
  const seen = new Set([digests.of(initial)])
  const arrivals: Arrival[] = [{ parent: -1, name: 'the beginning' }]
  let frontier: readonly (readonly [number, World])[] = [[0, initial]]
  while (frontier.length > 0 && seen.size < limit) {
    const beyond: (readonly [number, World])[] = []
    for (const [at, world] of frontier) {
      const what = violation(world)
      if (what !== undefined)
        return { states: seen.size, counterexample: { what, history: historyOf(arrivals, at) } }
      for (const [index, actor] of actors.entries()) {
        for (const { name, next } of stepsOf(world, index, actor, protocol)) {
          const digest = digests.of(next)
          if (seen.has(digest)) continue
          seen.add(digest)
          beyond.push([arrivals.length, next])
          arrivals.push({ parent: at, name })
        }
      }
    }
    frontier = beyond
  }
  return { states: seen.size, counterexample: undefined }
}

function historyOf(arrivals: readonly Arrival[], last: number): readonly string[] {
  const history: string[] = []
  for (let at = last; at > 0; at = arrivals[at]?.parent ?? -1) history.unshift(arrivals[at]?.name ?? '')
  return history
}

/** Short texts that are equal exactly when two worlds are. Catalogs and attempts are numbered as first seen. */
class Digests {
  readonly #catalogs = new WeakMap<WholeCatalog, number>()
  readonly #catalogTexts = new Numbering()
  readonly #attempts = new Numbering()

  of({ catalogs, data, actors, ghost }: World): string {
    const versions = [...catalogs.values()]
      .map((catalog) => this.#numberOf(catalog))
      .sort((one, other) => one - other)
    const own = actors.map((actor) => this.#actor(actor)).join('|')
    const promised = [ghost.acknowledged, ghost.fenced, ghost.dropped].map((set) => this.#mask(set)).join()
    return `${versions.join()};${this.#mask(data)};${own};${promised};${ghost.line}`
  }

  #actor({ at, known, fresh, attempt, created, listed, toDelete, done }: ActorState): string {
    const [knows, lists] = [known, listed].map((each) => (each === undefined ? '' : this.#numberOf(each)))
    const own = attempt === undefined ? '' : this.#attempts.of(attempt)
    return `${at.slice(0, 2)}${done}${fresh ? '!' : ''},${knows ?? ''},${lists ?? ''},${own},${created ?? ''},${this.#mask(toDelete)}`
  }

  /** A set of few attempts as the bits of one number. */
  #mask(attempts: Iterable<string>): number {
    let mask = 0
    for (const attempt of attempts) mask += 2 ** this.#attempts.of(attempt)
    return mask
  }

  #numberOf(catalog: WholeCatalog): number {
    const known = this.#catalogs.get(catalog)
    if (known !== undefined) return known
    const number = this.#catalogTexts.of(JSON.stringify(catalog))
    this.#catalogs.set(catalog, number)
    return number
  }
}

class Numbering {
  readonly #numbers = new Map<string, number>()

  of(text: string): number {
    const known = this.#numbers.get(text)
    if (known !== undefined) return known
    this.#numbers.set(text, this.#numbers.size)
    return this.#numbers.size - 1
  }
}
