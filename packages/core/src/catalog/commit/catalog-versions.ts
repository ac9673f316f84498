import { withSecondLook } from '../../async/second-look.ts'
import type { CheckpointBackend } from '../../backend/index.ts'
import type { Environment } from '../../environment.ts'
import { HoldfastError, isHoldfastError } from '../../errors.ts'
import { catalogKey, catalogPrefix, catalogVersionOf, decodeCatalog, markerKey } from '../documents/index.ts'
import { readIfThere, readListed } from '../documents/read-document.ts'
import { paged, type PagedCatalog } from '../pages/index.ts'

/** Times that a store may contradict itself before it is taken for one that cannot be used now. */
const maxContradictions = 10

/** Empty lists that a store with a marker may return before it is believed to have no catalog. */
const maxEmptyLists = 2

/**
 * Lists without a version that this process has seen, or a later one, before that version counts as lost. Other processes
 * can delete a version, and the next one too, while a list of both is made.
 */
const maxListsWithoutSeen = 4

/** Milliseconds that the pause before another try does not exceed. */
const maxPause = 500

/** A version as a list shows it. */
export interface CatalogVersion {
  readonly version: number
  /** By the store's own clock. */
  readonly storedAt: Date
  readonly revision: string
}

/** How it is known that a version was created: this process read or created it, or the store says that it exists. */
export type Evidence = 'seen' | 'said to exist'

/** Gives a version without reading it, if the caller has it already. */
export type Recognise = (listed: CatalogVersion) => PagedCatalog | undefined

/**
 * The versions of one store's catalog, as the store lists and reads them. The two may contradict each other for a
 * moment: then both are done again, after a pause, and `UNAVAILABLE` names what does not fit if that does not help.
 */
export class CatalogVersions {
  readonly #backend: CheckpointBackend
  readonly #environment: Environment

  constructor(backend: CheckpointBackend, environment: Environment) {
    this.#backend = backend
    this.#environment = environment
  }

  /** The versions from `version` on, the oldest first, as they are listed: whoever has seen enough leaves. */
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

  /** The newest from `version` on, in whatever order they are listed; `undefined` when there is none. */
  async newestListed(from: number, signal?: AbortSignal): Promise<CatalogVersion | undefined> {
    let newest: CatalogVersion | undefined
    for await (const listed of this.list(from, signal))
      if (newest === undefined || listed.version > newest.version) newest = listed
    return newest
  }

  /**
   * The very version that a list has shown; `undefined` when it is gone. Its number alone would not do: once it
   * is swept, a sleeper can create the number again, and that is no part of the truth. Rejects with `CORRUPT`
   * when it is damaged.
   */
  async listed(
    { version, revision }: CatalogVersion,
    signal?: AbortSignal,
  ): Promise<PagedCatalog | undefined> {
    return withSecondLook(async (look) => {
      const bytes = await readListed(this.#backend, { key: catalogKey(version), revision }, signal, look)
      return bytes === undefined ? undefined : decoded(bytes, version)
    })
  }

  /** What stands at a number now; `undefined` when nothing does. Rejects with `CORRUPT` when it is damaged. */
  async at(version: number, signal?: AbortSignal): Promise<PagedCatalog | undefined> {
    return withSecondLook(async (look) => {
      const bytes = await readIfThere(this.#backend, catalogKey(version), signal, look)
      return bytes === undefined ? undefined : decoded(bytes, version)
    })
  }

  /** The newest of all versions; `undefined` for a store without any. */
  async newest(signal?: AbortSignal): Promise<PagedCatalog | undefined> {
    let emptyLists = 0
    return this.#untilConsistent(signal, async () => {
      const newest = await this.newestListed(1, signal)
      if (newest !== undefined) return this.#readOrContradiction(newest, signal)
      emptyLists += 1
      // A store is marked before its first version, and a list may be wrong.
      const isMarked = (await this.#backend.stat(markerKey, { signal })) !== undefined
      return isMarked && emptyLists < maxEmptyLists ? contradiction('the list is empty') : undefined
    })
  }

  /**
   * Returns the newest version from a version on that was created. Rejects with `CORRUPT` if this process has seen that
   * version, and neither that version nor a later one is there.
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
      if (isThere) return contradiction(`the list does not show ${key}, which is there`)
      listsWithoutSeen += 1
      if (evidence === 'seen' && listsWithoutSeen >= maxListsWithoutSeen) throw this.#vanished(version)
      if (evidence === 'seen') return contradiction(`${key} is gone, and the list shows no later version`)
      return contradiction(
        `it says that ${key} exists, and shows it neither in a list nor by itself; on a disk, look whether something else ` +
          'than a file has that name',
      )
    })
  }

  /** The longer, the more often it was tried. */
  async pauseAfter(tries: number, signal: AbortSignal | undefined): Promise<void> {
    const longest = Math.min(maxPause, 10 * 2 ** tries)
    await this.#environment.pause(this.#environment.random() * longest, signal)
  }

  /** Gone between the list and the read where it was swept: then the next list has a newer one. */
  async #readOrContradiction(
    newest: CatalogVersion,
    signal: AbortSignal | undefined,
  ): Promise<PagedCatalog | Contradiction> {
    const key = catalogKey(newest.version)
    return (
      (await this.listed(newest, signal)) ??
      contradiction(
        `the list shows ${key} with the revision ${newest.revision}, and a read finds another or none`,
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
      `The store contradicts itself about its catalog, ${maxContradictions} times in a row: ${what}. Check what answers ` +
        'in its place, and try again.',
      { url: this.#backend.url, key: catalogPrefix },
    )
  }

  #vanished(version: number): HoldfastError {
    return new HoldfastError(
      'CORRUPT',
      `Version ${version} of the catalog was there and is gone, with nothing after it: ` +
        'the store was deleted or damaged under this process.',
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

function decoded(bytes: Uint8Array, version: number): PagedCatalog {
  try {
    return paged(decodeCatalog(bytes, version))
  } catch (cause) {
    if (!isHoldfastError(cause, 'CORRUPT')) throw cause
    throw new HoldfastError('CORRUPT', cause.reason, {
      key: catalogKey(version),
      cause,
      hint: { kind: 'repair' },
    })
  }
}
