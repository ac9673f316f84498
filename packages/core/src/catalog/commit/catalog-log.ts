import { orAborted } from '../../async/or-aborted.ts'
import { type CheckpointBackend, concurrently } from '../../backend/index.ts'
import { HoldfastError, isHoldfastError, messageOf, throwIfAborted } from '../../errors.ts'
import {
  catalogKey,
  catalogPrefix,
  catalogVersionOf,
  decodeCatalog,
  type Drop,
  encodeCatalog,
  encodeFence,
  newPageId,
  type PageId,
  pageKey,
} from '../documents/index.ts'
import {
  documentOf,
  fold,
  isWhole,
  lastPagedStep,
  type LostPage,
  type NewPage,
  noCatalog,
  paged,
  type PagedCatalog,
  PageReader,
  pagesAtOnce,
  type WholeCatalog,
  withoutPages,
} from '../pages/index.ts'
import { readListed, readSmall } from '../documents/read-document.ts'
import type { Environment } from '../../environment.ts'
import { withSecondLook } from '../../async/second-look.ts'
import type { Change } from './changes.ts'
import { isCatalogLost, lostCatalog } from './lost-catalog.ts'
import type { WriterKeeping } from './keeping.ts'
import { type CommitRequest, lookBack, needsWhole, nextCatalog, type Verdict, type Writer } from './rules.ts'

/** Races that one commit may lose before it gives up. */
const maxRaces = 1000

/** Lists that may leave out what is there before the store is taken for one that cannot be used now. */
const maxLists = 10

/** Milliseconds that the pause after a lost race, or such a list, does not exceed. */
const maxPause = 500

/** A version as a list shows it. */
export interface CatalogVersion {
  readonly version: number
  /** By the store's own clock. */
  readonly storedAt: Date
  readonly revision: string
}

export interface Committed {
  /** A version that the commit is part of; with all lines where the commit was decided by all. */
  readonly catalog: PagedCatalog
  /** What the commit dropped from the list. */
  readonly dropped: readonly Drop[]
}

/** The versions of one store's catalog: the newest, and the only way to add another. */
export class CatalogLog {
  readonly #backend: CheckpointBackend
  readonly #writer: Writer
  readonly #keeping: WriterKeeping
  readonly #environment: Environment
  readonly #pages: PageReader
  #known: PagedCatalog | undefined
  #turn: Promise<unknown> = Promise.resolve()

  constructor(backend: CheckpointBackend, writer: Writer, keeping: WriterKeeping, environment: Environment) {
    this.#backend = backend
    this.#writer = writer
    this.#keeping = keeping
    this.#environment = environment
    this.#pages = new PageReader(backend)
  }

  /** The newest version that this process has seen, without asking the store. */
  get known(): PagedCatalog | undefined {
    return this.#known
  }

  /** The versions from `version` on, the oldest first, as they are listed: whoever has seen enough leaves. */
  async *versions(version: number, signal?: AbortSignal): AsyncGenerator<CatalogVersion> {
    const startAfter = version > 1 ? catalogKey(version - 1) : undefined
    for await (const { key, modifiedAt, revision } of this.#backend.list(catalogPrefix, {
      startAfter,
      signal,
    })) {
      const listed = catalogVersionOf(key)
      if (listed !== undefined) yield { version: listed, storedAt: modifiedAt, revision }
    }
  }

  /** The newest from `version` on, as it is listed; `undefined` when there is none. */
  async newestListed(from: number, signal?: AbortSignal): Promise<CatalogVersion | undefined> {
    return (await Array.fromAsync(this.versions(from, signal))).at(-1)
  }

  /** Whether there is no version yet; or none is left. */
  async isEmpty(signal?: AbortSignal): Promise<boolean> {
    for await (const _ of this.versions(1, signal)) return false
    return true
  }

  /**
   * The newest version; the empty one for a new store. Rejects with `CORRUPT` when it is damaged, or when all versions are
   * lost.
   */
  async newest(signal?: AbortSignal): Promise<PagedCatalog> {
    for (;;) {
      const known = this.#known
      const newest =
        known === undefined || known.version === 0
          ? await this.newestListed(1, signal)
          : await this.#newestSince(known.version, signal)
      if (newest === undefined) {
        if (await isCatalogLost({ backend: this.#backend, log: this }, signal))
          throw lostCatalog(this.#backend.url)
        if (await this.isEmpty(signal)) return noCatalog
        continue // another writer has made the store in between
      }
      if (known?.version === newest.version) return known
      const catalog = await this.listed(newest, signal)
      if (catalog !== undefined) return this.#remember(catalog)
      // Swept between the list and the read, so there is a newer one.
    }
  }

  /** The newest version with the lines of all its pages. Rejects with `CORRUPT` when it or a page is damaged. */
  async whole(signal?: AbortSignal): Promise<WholeCatalog> {
    return this.wholeOf(await this.newest(signal), signal)
  }

  /** A version with the lines of all its pages; or, where others have gone on and swept one, the newest version. */
  async wholeOf(version: PagedCatalog, signal?: AbortSignal): Promise<WholeCatalog> {
    if (isWhole(version)) return version
    if (this.#known?.commitId === version.commitId && isWhole(this.#known)) return this.#known
    try {
      const whole = await this.#pages.whole(version, signal)
      if (this.#known?.commitId === version.commitId) this.#known = whole
      return whole
    } catch (error) {
      if (!isHoldfastError(error, 'NOT_FOUND')) throw error
      const newest = await this.newest(signal)
      if (newest.version === version.version) throw this.#pageVanished(version, error)
      return this.wholeOf(newest, signal)
    }
  }

  /** A version with the lines of those pages that can be read, and those that cannot. */
  async salvage(
    version: PagedCatalog,
    signal?: AbortSignal,
  ): Promise<{ readonly catalog: WholeCatalog; readonly lost: readonly LostPage[] }> {
    return new PageReader(this.#backend).salvage(version, signal) // what was read before may be damaged since
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
    return withSecondLook(async () => {
      const bytes = await readListed(this.#backend, { key: catalogKey(version), revision }, signal)
      return bytes === undefined ? undefined : paged(decodeCatalog(bytes, version))
    })
  }

  /**
   * Commits a change, against whatever the newest version turns out to be. Commits of one process take turns.
   *
   * Rejects with `FENCED`, with what the change itself is refused for, or with `OUTCOME_UNKNOWN`: then the
   * change may or may not be part of the truth, and nothing that it speaks of may be deleted.
   */
  async commit(change: Change, signal?: AbortSignal): Promise<Committed> {
    const before = this.#turn
    const own = orAborted(before, signal, 'The commit').then(() => this.#commit(change, signal))
    this.#turn = Promise.allSettled([before, own]) // its caller sees the error
    return own
  }

  /**
   * Commits a version that follows a damaged one: numbered after it, built upon `base`. All pages are written anew:
   * whoever goes by the damaged version, from before, may be sweeping those of an older one. `undefined` when another
   * writer was faster.
   */
  async commitAfter(
    damaged: number,
    base: WholeCatalog,
    change: Change,
    signal?: AbortSignal,
  ): Promise<Committed | undefined> {
    this.#known = undefined
    const request = this.#request(change)
    const verdict = nextCatalog({ ...withoutPages(base), version: damaged }, request)
    if (verdict.kind === 'committed') return { catalog: base, dropped: [] }
    if (verdict.kind !== 'next') throw this.#refusal(verdict)
    const { outcome, next } = await this.#publish(verdict.catalog, signal)
    if (outcome === 'exists') return undefined
    return this.#settle(request, next)
  }

  /**
   * Takes a number above all lost versions with a document that readers find damaged. From then on no writer that knows a
   * lost version gets its commit acknowledged: when it looks back, the newest version is damaged, or a later one that was
   * rebuilt without it.
   */
  async fence(version: number): Promise<void> {
    const environment = this.#environment
    const fence = encodeFence(version, environment.newId(), environment.now().toISOString())
    await this.#backend.commit(catalogKey(version), fence)
  }

  async #commit(change: Change, signal: AbortSignal | undefined): Promise<Committed> {
    const request = this.#request(change)
    let newest = this.#known ?? (await this.newest(signal))
    let fresh = false
    for (let races = 0; races <= maxRaces; races += 1) {
      if (needsWhole(newest, request)) newest = await this.wholeOf(newest, signal)
      const verdict = nextCatalog(newest, request)
      if (verdict.kind === 'committed') return { catalog: newest, dropped: droppedBy(newest, request) }
      if (verdict.kind === 'next') {
        const { outcome, next } = await this.#publish(verdict.catalog, signal)
        if (outcome === 'created') return await this.#settle(request, next)
        await this.#pauseAfter(races, signal)
      } else if (fresh) {
        throw this.#refusal(verdict)
      }
      newest = await this.newest(signal)
      fresh = true
    }
    throw new HoldfastError(
      'UNAVAILABLE',
      `Too many writers: ${maxRaces} races for the next commit were lost.`,
      {
        url: this.#backend.url,
      },
    )
  }

  /** Creates a version, after the pages that it refers to. If that fails for certain, the pages are removed again. */
  async #publish(
    catalog: PagedCatalog,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly outcome: 'created' | 'exists'; readonly next: PagedCatalog }> {
    const environment = this.#environment
    const newPage = (): PageId => newPageId(catalog.version, environment.newToken())
    const folded = fold(catalog, environment.pageLimits, newPage)
    try {
      await this.#writePages(folded.newPages, signal)
      throwIfAborted(signal, 'The commit', { url: this.#backend.url })
      // From here on the signal is not heeded: to stop in the middle of the create would make its outcome unknown.
      return { outcome: await this.#create(folded.catalog), next: folded.catalog }
    } catch (error) {
      if (isHoldfastError(error) && error.code !== 'OUTCOME_UNKNOWN')
        await this.#removePages(folded.newPages, error)
      throw error
    }
  }

  /** Makes durable what the version will refer to. Of a version that is then not created they are dead, and swept. */
  async #writePages(pages: readonly NewPage[], signal: AbortSignal | undefined): Promise<void> {
    await concurrently(pages, pagesAtOnce, signal, ({ page, bytes }, taskSignal) => {
      const options = { size: bytes.byteLength, contentType: 'application/json', signal: taskSignal }
      return this.#backend.put(pageKey(page), bytes, options)
    })
  }

  /** So that a full disk does not fill up further with every try. */
  async #removePages(pages: readonly NewPage[], failure: HoldfastError): Promise<void> {
    if (pages.length === 0) return
    try {
      await this.#backend.delete(pages.map(({ page }) => pageKey(page)))
    } catch (error) {
      const { code, message, key, url, retryable } = failure
      throw new HoldfastError(code, `${message} Its pages could not be removed; a sweep will.`, {
        key,
        url,
        retryable,
        cause: new AggregateError([failure, error]),
      })
    }
  }

  async #create(catalog: PagedCatalog): Promise<'created' | 'exists'> {
    const key = catalogKey(catalog.version)
    const bytes = encodeCatalog(documentOf(catalog))
    try {
      return await this.#backend.commit(key, bytes)
    } catch (error) {
      if (!isHoldfastError(error, 'OUTCOME_UNKNOWN')) throw error
      return await this.#settleUnknown(catalog, bytes, error)
    }
  }

  /**
   * The same bytes are committed once more, which makes the first durable or does what it did not do; what stands
   * there then settles it. Where that cannot be found out either, it remains unknown (rule 7).
   */
  async #settleUnknown(
    catalog: PagedCatalog,
    bytes: Uint8Array,
    unknown: HoldfastError,
  ): Promise<'created' | 'exists'> {
    const key = catalogKey(catalog.version)
    try {
      if ((await this.#backend.commit(key, bytes)) === 'created') return 'created'
      const there = await readSmall(this.#backend, key, undefined)
      if (Buffer.compare(there, bytes) === 0) return 'created'
      decodeCatalog(there, catalog.version) // if it is damaged, nobody can tell whose it is
      return 'exists'
    } catch (error) {
      throw this.#unknown(catalog, new AggregateError([unknown, error], messageOf(unknown)))
    }
  }

  /** Looks for newer versions, and makes sure that what was created is part of their past (rule 6). */
  async #settle(request: CommitRequest, created: PagedCatalog): Promise<Committed> {
    let outcome: 'committed' | 'fenced' | 'unknown'
    try {
      outcome = await this.#lookBack(request, created)
    } catch (error) {
      throw this.#unknown(created, error)
    }
    if (outcome === 'unknown') throw this.#unknown(created, undefined)
    if (outcome === 'committed') {
      if (isWhole(created)) this.#pages.keep(created)
      return { catalog: created, dropped: created.history.at(-1)?.dropped ?? [] }
    }
    await this.#backend.delete([catalogKey(created.version)]) // below the newest floor: dead (rule 4)
    throw this.#fenced(
      'It slept through its own commit: others went on without it, and its number was swept.',
    )
  }

  async #lookBack(
    request: CommitRequest,
    created: PagedCatalog,
  ): Promise<'committed' | 'fenced' | 'unknown'> {
    const newest = await this.#newestFrom(created)
    this.#remember(newest)
    if (newest.version === created.version || newest.floor <= created.version) return 'committed'
    const isFolded = request.change.kind === 'save' && request.change.entry.step <= lastPagedStep(newest)
    return lookBack(request, created.version, isFolded ? await this.wholeOf(newest) : newest)
  }

  async #newestFrom(created: PagedCatalog): Promise<PagedCatalog> {
    for (;;) {
      const newest = await this.#newestSince(created.version)
      if (newest.version === created.version) return created
      const catalog = await this.listed(newest)
      if (catalog !== undefined) return catalog
    }
  }

  /**
   * The newest from a version on that this process has read or created. Some relatives of S3 leave objects out of a list
   * while others are written: where this one is there all the same, it is asked for again.
   */
  async #newestSince(version: number, signal?: AbortSignal): Promise<CatalogVersion> {
    const key = catalogKey(version)
    for (let tries = 0; tries < maxLists; tries += 1) {
      const newest = await this.newestListed(version, signal)
      if (newest !== undefined) return newest
      if ((await this.#backend.stat(key, { signal })) === undefined) throw this.#vanished(version)
      await this.#pauseAfter(tries, signal)
    }
    throw new HoldfastError(
      'UNAVAILABLE',
      `The list of ${catalogPrefix} does not show ${key}, which is there.`,
      {
        key,
        url: this.#backend.url,
      },
    )
  }

  /** The longer, the more often it was tried. */
  async #pauseAfter(tries: number, signal: AbortSignal | undefined): Promise<void> {
    const longest = Math.min(maxPause, 10 * 2 ** tries)
    await this.#environment.pause(this.#environment.random() * longest, signal)
  }

  #request(change: Change): CommitRequest {
    const environment = this.#environment
    return {
      writer: this.#writer,
      commitId: environment.newId(),
      change,
      keeping: this.#keeping,
      at: environment.now().toISOString(),
    }
  }

  #remember(catalog: PagedCatalog): PagedCatalog {
    if (this.#known === undefined || catalog.version > this.#known.version) this.#known = catalog
    return this.#known
  }

  #refusal(verdict: Exclude<Verdict, { kind: 'next' | 'committed' }>): HoldfastError {
    if (verdict.kind === 'fenced') return this.#fenced(verdict.why)
    if (verdict.kind === 'unknown') {
      return new HoldfastError(
        'OUTCOME_UNKNOWN',
        'A repair of a damaged catalog came in between and found this save. Whether it stays is not known: look what is ' +
          'listed (holdfast ls), verify it, and save it again under another step if in doubt.',
        { url: this.#backend.url },
      )
    }
    return new HoldfastError(verdict.code, verdict.why, { url: this.#backend.url, hint: verdict.hint })
  }

  #fenced(why: string): HoldfastError {
    return new HoldfastError('FENCED', `Another writer won, and nothing was changed. ${why}`, {
      url: this.#backend.url,
    })
  }

  #unknown(catalog: PagedCatalog, cause: unknown): HoldfastError {
    const did = catalog.history.at(-1)?.did ?? 'the change'
    return new HoldfastError(
      'OUTCOME_UNKNOWN',
      `It is not known whether "${did}" was committed: the answer to it was lost. Nothing was deleted. ` +
        `Look once the store answers again (holdfast ls): it was committed if version ${catalog.version} of the ` +
        `catalog has the commit id ${catalog.commitId}. If not, do it again.`,
      { url: this.#backend.url, key: catalogKey(catalog.version), cause },
    )
  }

  #pageVanished({ version }: PagedCatalog, cause: HoldfastError): HoldfastError {
    return new HoldfastError(
      'CORRUPT',
      `Version ${version} of the catalog refers to a page that is gone. Run holdfast repair, which lists again what is there.`,
      { url: this.#backend.url, key: cause.key, cause },
    )
  }

  #vanished(version: number): HoldfastError {
    return new HoldfastError(
      'CORRUPT',
      `Version ${version} of the catalog was there and is gone, with nothing after it: ` +
        'the store was deleted or damaged under this process. Run holdfast repair on what is left.',
      { url: this.#backend.url, key: catalogKey(version) },
    )
  }
}

function droppedBy(newest: PagedCatalog, request: CommitRequest): readonly Drop[] {
  return newest.history.find(({ commitId }) => commitId === request.commitId)?.dropped ?? []
}
