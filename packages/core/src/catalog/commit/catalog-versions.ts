import { withSecondLook } from '../../async/second-look.ts'
import type { CheckpointBackend } from '../../backend/index.ts'
import type { Environment } from '../../environment.ts'
import { HoldfastError, isHoldfastError } from '../../errors.ts'
import { catalogKey, catalogPrefix, catalogVersionOf, decodeCatalog, markerKey } from '../documents/index.ts'
import { readIfThere, readListed } from '../documents/read-document.ts'
import { paged, type PagedCatalog } from '../pages/index.ts'

/** The number of times that a store may contradict itself before reads fail. */
const maxContradictions = 10

/** The number of empty lists that a store with a marker may return before it counts as having no catalog. */
const maxEmptyLists = 2

/**
 * The number of lists without a version that this process has seen, and without a later one, before that version counts
 * as lost. While a list runs, other processes can delete a version and its successor.
 */
const maxListsWithoutSeen = 4

/** The longest pause before another attempt, in milliseconds. */
const maxPause = 500

/** A version as a list returns it. */
export interface CatalogVersion {
  readonly version: number
  /** The time by the clock of the store. */
  readonly storedAt: Date
  readonly revision: string
}

/** How it is known that a version was created: this process read or created it, or the store reported its creation. */
export type Evidence = 'seen' | 'reported to exist'

/** Returns a version that the caller has already read. */
export type Recognise = (listed: CatalogVersion) => PagedCatalog | undefined

/**
 * The versions of one store's catalog, as the store lists and reads them. A list and a read may contradict each other
 * for a moment. Then both are repeated after a pause. If the contradiction persists, rejects with `UNAVAILABLE`, and
 * the message describes it.
 */
export class CatalogVersions {
  readonly #backend: CheckpointBackend
  readonly #environment: Environment

  constructor(backend: CheckpointBackend, environment: Environment) {
    this.#backend = backend
    this.#environment = environment
  }

  /** Yields the listed versions from `version` on, oldest first. Returning early stops the listing. */
  async *list(version: number, signal?: AbortSignal): AsyncGenerator<CatalogVersion> {
    const startAfter = version > 1 ? catalogKey(version - 1) : undefined
    for await (const { key, modifiedAt, revision } of this.#backend.list(catalogPrefix, {
      startAfter,
      signal,
    })) {
      const listed = catalogVersionOf(key)
      if (listed !== undefined && listed >= version) yield { version: listed, storedAt: modifiedAt, revision }
    }
  }

  /** Returns the newest version from `version` on, in any order of listing; `undefined` if there is none. */
  async newestListed(from: number, signal?: AbortSignal): Promise<CatalogVersion | undefined> {
    let newest: CatalogVersion | undefined
    for await (const listed of this.list(from, signal))
      if (newest === undefined || listed.version > newest.version) newest = listed
    return newest
  }

  /**
   * Reads exactly the object that a list returned; `undefined` if it no longer exists. The number alone does not
   * identify it: a suspended process can create a swept number again. Rejects with `CORRUPT` if the object is damaged.
   */
  async listed(
    { version, revision }: CatalogVersion,
    signal?: AbortSignal,
  ): Promise<PagedCatalog | undefined> {
    return withSecondLook(async (look) => {
      const bytes = await readListed(this.#backend, { key: catalogKey(version), revision }, signal, look)
      return bytes === undefined ? undefined : decoded(bytes, version, this.#backend.url)
    })
  }

  /**
   * Reads the current object with a version number; `undefined` if there is none. Rejects with `CORRUPT` if it is
   * damaged.
   */
  async at(version: number, signal?: AbortSignal): Promise<PagedCatalog | undefined> {
    return withSecondLook(async (look) => {
      const bytes = await readIfThere(this.#backend, catalogKey(version), signal, look)
      return bytes === undefined ? undefined : decoded(bytes, version, this.#backend.url)
    })
  }

  /** Returns the newest of all versions; `undefined` for a store without versions. */
  async newest(signal?: AbortSignal): Promise<PagedCatalog | undefined> {
    let emptyLists = 0
    return this.#untilConsistent(signal, async () => {
      const newest = await this.newestListed(1, signal)
      if (newest !== undefined) return this.#readOrContradiction(newest, signal)
      emptyLists += 1
      // A store gets its marker before its first version, and a list may be wrong.
      const isMarked = (await this.#backend.stat(markerKey, { signal })) !== undefined
      return isMarked && emptyLists < maxEmptyLists ? contradiction('the list is empty') : undefined
    })
  }

  /**
   * Returns the newest version, starting from a version that was created. Rejects with `CORRUPT` if this process has
   * seen that version, and neither it nor a later one exists.
   */
  async newestSince(
    version: number,
    evidence: Evidence,
    recognise: Recognise,
    signal?: AbortSignal,
  ): Promise<PagedCatalog> {
    const key = catalogKey(version)
    let listsWithoutSeen = 0
    return this.#untilConsistent(signal, async () => {
      const newest = await this.newestListed(version, signal)
      if (newest !== undefined) return recognise(newest) ?? this.#readOrContradiction(newest, signal)
      const isThere = (await this.#backend.stat(key, { signal })) !== undefined
      if (isThere) return contradiction(`the list lacks ${key}, which exists`)
      listsWithoutSeen += 1
      if (evidence === 'seen' && listsWithoutSeen >= maxListsWithoutSeen) throw this.#vanished(version)
      if (evidence === 'seen')
        return contradiction(`${key} no longer exists, and the list has no later version`)
      return contradiction(
        `it reports that ${key} exists, but neither lists nor returns it. On a disk, check whether something other ` +
          'than a file has that name',
      )
    })
  }

  /**
   * Returns whether every version from the floor of a version to itself is listed. No writer deletes one of them, unless a later
   * version has raised the floor.
   */
  async hasAllSinceFloor({ floor, version }: PagedCatalog, signal?: AbortSignal): Promise<boolean> {
    const first = Math.max(1, floor)
    let there = 0
    for await (const listed of this.list(first, signal)) if (listed.version <= version) there += 1
    return there >= version - first + 1
  }

  /** The pause grows with each attempt. */
  async pauseAfter(tries: number, signal: AbortSignal | undefined): Promise<void> {
    const longest = Math.min(maxPause, 10 * 2 ** tries)
    await this.#environment.pause(this.#environment.random() * longest, signal)
  }

  /** The version was swept between the list and the read. The next list has a newer one. */
  async #readOrContradiction(
    newest: CatalogVersion,
    signal: AbortSignal | undefined,
  ): Promise<PagedCatalog | Contradiction> {
    const key = catalogKey(newest.version)
    return (
      (await this.listed(newest, signal)) ??
      contradiction(
        `the list has ${key} with the revision ${newest.revision}, but a read finds another revision or none`,
      )
    )
  }

  async #untilConsistent<Result extends PagedCatalog | undefined>(
    signal: AbortSignal | undefined,
    look: () => Promise<Result | Contradiction>,
  ): Promise<Result> {
    let what = ''
    for (let tries = 0; tries < maxContradictions; tries += 1) {
      if (tries > 0) await this.pauseAfter(tries - 1, signal)
      const result = await look()
      if (result === undefined || !('contradiction' in result)) return result
      what = result.contradiction
    }
    throw new HoldfastError(
      'UNAVAILABLE',
      `The store contradicted itself about its catalog ${maxContradictions} times in a row: ${what}. Check whether a proxy responds ` +
        'in its place, and try again.',
      { url: this.#backend.url, key: catalogPrefix },
    )
  }

  #vanished(version: number): HoldfastError {
    return new HoldfastError(
      'CORRUPT',
      `Version ${version} of the catalog no longer exists, and there is no later one: ` +
        'the store was deleted or damaged while this process used it.',
      { url: this.#backend.url, key: catalogKey(version), hint: { kind: 'repair' } },
    )
  }
}

interface Contradiction {
  readonly contradiction: string
}

function contradiction(what: string): Contradiction {
  return { contradiction: what }
}

function decoded(bytes: Uint8Array, version: number, url: string): PagedCatalog {
  try {
    return paged(decodeCatalog(bytes, version))
  } catch (cause) {
    if (!isHoldfastError(cause, 'CORRUPT')) throw cause
    throw new HoldfastError('CORRUPT', cause.reason, {
      url,
      key: catalogKey(version),
      cause,
      hint: { kind: 'repair' },
    })
  }
}
