import type * as rules from '../../src/catalog/commit/rules/index.ts'
import type { WholeCatalog } from '../../src/catalog/pages/index.ts'
import { stepsOf } from './actors.ts'
import type { Row } from './arrivals.ts'
import { Numbering } from './numbering.ts'
import type { Actor } from './operations.ts'
import type { Protocol } from './protocol.ts'
import { type ActorState, fence, type State, violation, type World } from './world.ts'

/** A step, with the numbers of the components that it leads to. */
export interface Move {
  readonly name: string
  readonly world: number
  readonly own: number
}

/**
 * States as rows of numbers, as in SPIN's COLLAPSE. A row has the number of the world and the numbers of what each
 * actor remembers. Millions of states share some thousands of components. A step depends only on the world and its
 * actor, and a promise only on the world. So each is computed once for all states that share them.
 */
export class Components {
  readonly #actors: readonly Actor[]
  readonly #protocol: Protocol
  readonly #catalogs = new Numbering<WholeCatalog>((catalog) => JSON.stringify(catalog))
  readonly #worlds = new Numbering<World>((world) => this.#textOfWorld(world))
  readonly #owns = new Numbering<ActorState>((own) => this.#textOfActor(own))
  /** The steps by world, then by actor and what it remembers. */
  readonly #moves: Map<number, readonly Move[]>[] = []
  readonly #violations: { readonly what: string | undefined }[] = []

  constructor(actors: readonly Actor[], protocol: Protocol) {
    this.#actors = actors
    this.#protocol = {
      ...protocol,
      nextCatalog: (newest, request) => this.#unified(protocol.nextCatalog(newest, request)),
    }
  }

  /** The world, followed by the actors in order. */
  rowOf({ world, actors }: State): Row {
    return [this.#worlds.numberOf(world), ...actors.map((own) => this.#owns.numberOf(own))]
  }

  /** Returns a promise that does not hold in this world; `undefined` if all hold. */
  violationIn(world: number): string | undefined {
    const judged = (this.#violations[world] ??= { what: violation(this.#worlds.valueOf(world)) })
    return judged.what
  }

  /** Returns every next step of this actor. */
  movesOf(world: number, own: number, index: number): readonly Move[] {
    const known = (this.#moves[world] ??= new Map())
    const key = own * this.#actors.length + index
    return known.get(key) ?? added(known, key, this.#workOut(world, own, index))
  }

  #workOut(world: number, own: number, index: number): readonly Move[] {
    const actor = this.#actors[index]
    if (actor === undefined) return []
    const scene = { world: this.#worlds.valueOf(world), own: this.#owns.valueOf(own) }
    return stepsOf(scene, index, actor, this.#protocol).map(({ name, next }) => ({
      name,
      world: this.#worlds.numberOf(next.world),
      own: this.#owns.numberOf(next.own),
    }))
  }

  /** Equal catalogs become one object, so that an actor can compare a listed catalog by identity. */
  #unified(verdict: rules.Verdict<WholeCatalog>): rules.Verdict<WholeCatalog> {
    if (verdict.kind !== 'next') return verdict
    return { ...verdict, catalog: this.#catalogs.valueOf(this.#catalogs.numberOf(verdict.catalog)) }
  }

  #textOfWorld({ catalogs, data, ghost: { truth, ...ghost } }: World): string {
    const versions = [...catalogs].map(([version, document]) =>
      document === fence ? `fence ${version}` : this.#catalogs.numberOf(document),
    )
    const newest = this.#catalogs.numberOf(truth)
    return JSON.stringify({ data, ghost, newest, versions: new Set(versions) }, setsInOrder)
  }

  #textOfActor({ known, listed, ...rest }: ActorState): string {
    const [knows, lists] = [known, listed].map((each) => each && this.#catalogs.numberOf(each))
    return JSON.stringify({ ...rest, knows, lists })
  }
}

function added<K, V>(map: Map<K, V>, key: K, value: V): V {
  map.set(key, value)
  return value
}

function setsInOrder(_: string, value: unknown): unknown {
  return value instanceof Set ? [...value].sort() : value
}
