import { orAborted } from '../../async/or-aborted.ts'
import type { BeforeVisible, CheckpointBackend } from '../../backend/index.ts'
import type { Environment } from '../../environment.ts'
import { HoldfastError, isHoldfastError } from '../../errors.ts'
import { catalogKey, catalogPrefix, type Drop, encodeFence, type Removed } from '../documents/index.ts'
import type { Judgement } from '../judging/judgement.ts'
import type { WriterKeeping } from '../judging/keeping.ts'
import {
  isWhole,
  lastPagedStep,
  type LostPage,
  noCatalog,
  type PagedCatalog,
  PageReader,
  type WholeCatalog,
  withoutPages,
} from '../pages/index.ts'
import { CatalogVersions, type CatalogVersion, type Evidence } from './catalog-versions.ts'
import { type Change, needsWhole } from './changes/index.ts'
import { isCatalogLost, lostCatalog, versionsLost } from './lost-catalog.ts'
import { type Created, Publisher } from './publisher.ts'
import { fenced, pageVanished, refusal, unknownOutcome } from './refusals.ts'
import { rewindDocument } from './rewind-document.ts'
import { type CommitRequest, lookBack, nextCatalog, type Writer } from './rules/index.ts'

/** The number of races that one commit may lose before it fails. */
const maxRaces = 1000

/** The number of attempts to read a newest version that changes each time. */
const maxLooks = 10

/** The number of lists that must lack a version before it counts as lost. A list may be wrong for a moment. */
const maxLooksAtGap = 4

export interface Committed {
  /** A version that includes the commit. It has all lines if the decision needed them. */
  readonly catalog: PagedCatalog
  /** The checkpoints that the commit dropped from the list. */
  readonly dropped: readonly Drop[]
  /** The checkpoints that the commit took out of the list, and that an undo can list again. */
  readonly removed: readonly Removed[]
  /** The judgement of the catalog by the objectives, if the commit depended on it. */
  readonly judgement?: Judgement | undefined
}

/** The versions of one store's catalog. Reads the newest version, and commits the next one. */
export class CatalogLog {
  readonly #backend: CheckpointBackend
  readonly #writer: Writer
  readonly #keeping: WriterKeeping
  readonly #environment: Environment
  readonly #versions: CatalogVersions
  readonly #pages: PageReader
  readonly #publisher: Publisher
  #known: PagedCatalog | undefined
  #turn: Promise<unknown> = Promise.resolve()

  constructor(backend: CheckpointBackend, writer: Writer, keeping: WriterKeeping, environment: Environment) {
    this.#backend = backend
    this.#writer = writer
    this.#keeping = keeping
    this.#environment = environment
    this.#versions = new CatalogVersions(backend, environment)
    this.#pages = new PageReader(backend)
    this.#publisher = new Publisher(backend, environment)
  }

  /** The newest version that this process has seen, without asking the store. */
  get known(): PagedCatalog | undefined {
    return this.#known
  }

  /** Lists the versions from `version` on, the oldest first. Returning early stops the listing. */
  versions(version: number, signal?: AbortSignal): AsyncIterable<CatalogVersion> {
    return this.#versions.list(version, signal)
  }

  /** The newest listed version from `version` on; `undefined` if there is none. */
  async newestListed(from: number, signal?: AbortSignal): Promise<CatalogVersion | undefined> {
    return this.#versions.newestListed(from, signal)
  }

  /** Reads the exact object that was listed; `undefined` if it is gone. Rejects with `CORRUPT` if it is damaged. */
  async listed(version: CatalogVersion, signal?: AbortSignal): Promise<PagedCatalog | undefined> {
    return this.#versions.listed(version, signal)
  }

  /** Whether the store lists no version. */
  async isEmpty(signal?: AbortSignal): Promise<boolean> {
    for await (const _ of this.versions(1, signal)) return false
    return true
  }

  /**
   * Returns the newest version, or an empty one for a new store. Rejects with `CORRUPT` if it is damaged, or if all versions
   * are lost.
   */
  async newest(signal?: AbortSignal): Promise<PagedCatalog> {
    const known = this.#known
    if (known === undefined || known.version === 0) return this.#firstSeen(signal)
    return this.#newestSince(known.version, 'seen', signal)
  }

  /** Returns whether a version since the floor of a version is lost. A later version may have allowed to sweep it. */
  async hasGap(version: PagedCatalog, signal?: AbortSignal): Promise<boolean> {
    for (let looks = 0; looks < maxLooksAtGap; looks += 1) {
      if (looks > 0) await this.#versions.pauseAfter(looks - 1, signal)
      if (await this.#versions.hasAllSinceFloor(version, signal)) return false
      const newest = await this.newestListed(version.version, signal)
      if (newest !== undefined && newest.version > version.version) return false
    }
    return true
  }

  /**
   * Returns the newest version once every version since its floor is listed. Rejects with `CORRUPT` if one is missing: then the
   * catalog was lost while this process or another one wrote from memory, and saves of other writers may not be listed. No
   * commit may raise the floor over the gap, because these saves would count as dead.
   */
  async withoutGap(version: PagedCatalog, signal?: AbortSignal): Promise<PagedCatalog> {
    let newest = version
    for (let looks = 0; looks < maxLooksAtGap; looks += 1) {
      if (await this.#versions.hasAllSinceFloor(newest, signal)) return newest
      await this.#versions.pauseAfter(looks, signal)
      newest = await this.newest(signal) // another writer may have raised the floor
    }
    throw versionsLost(newest, this.#backend.url)
  }

  /** Returns the newest version with all lines. Rejects with `CORRUPT` if it or a page is damaged. */
  async whole(signal?: AbortSignal): Promise<WholeCatalog> {
    return this.wholeOf(await this.newest(signal), signal)
  }

  /** Returns a version with all lines, or the newest version if one of its pages was swept since. */
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
      if (newest.version === version.version) throw pageVanished(version, error, this.#backend.url)
      return this.wholeOf(newest, signal)
    }
  }

  /** Returns a version that has the line of a step, if the step has one. Reads pages only if the line may be in one. */
  async withStep(version: PagedCatalog, step: number, signal?: AbortSignal): Promise<PagedCatalog> {
    return step > lastPagedStep(version) ? version : this.wholeOf(version, signal)
  }

  /** Returns a version with the lines of its readable pages, and the pages that cannot be read. */
  async salvage(
    version: PagedCatalog,
    signal?: AbortSignal,
  ): Promise<{ readonly catalog: WholeCatalog; readonly lost: readonly LostPage[] }> {
    return new PageReader(this.#backend).salvage(version, signal) // what was read before may be damaged since
  }

  /**
   * Commits a change on top of the newest version. Commits of one process run in sequence.
   *
   * Rejects with `FENCED`, with the error that refuses the change, or with `OUTCOME_UNKNOWN`. After `OUTCOME_UNKNOWN`
   * the change may be committed, so the caller must not delete anything that it names. No version with the change becomes
   * visible before `beforeVisible` has resolved. Its rejection fails the commit.
   */
  async commit(change: Change, signal?: AbortSignal, beforeVisible?: BeforeVisible): Promise<Committed> {
    const before = this.#turn
    const own = orAborted(before, signal, 'The commit').then(() =>
      this.#commit(change, signal, beforeVisible),
    )
    this.#turn = Promise.allSettled([before, own]) // its caller sees the error
    return own
  }

  /**
   * Commits a version whose number follows a damaged one and whose content follows `base`. Writes all pages again,
   * because a writer that knows the damaged version may be sweeping the pages of older ones. Returns `undefined` if
   * another writer was faster.
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
    if (verdict.kind === 'committed') return { catalog: base, dropped: [], removed: [] }
    if (verdict.kind !== 'next') throw refusal(verdict, this.#backend.url)
    const created = await this.#publisher.publish(verdict.catalog, [], signal)
    const committed = created === 'exists' ? 'undecided' : await this.#settle(request, created)
    return committed === 'undecided' ? undefined : committed
  }

  /**
   * Creates a document above all lost versions, which readers treat as a damaged version. After that, no writer that
   * knows a lost version acknowledges a commit: its look back finds the fence or the rebuilt version.
   */
  async fence(version: number): Promise<void> {
    const environment = this.#environment
    const fence = encodeFence(version, environment.newId(), environment.now().toISOString())
    await this.#backend.commit(catalogKey(version), fence)
  }

  async #commit(
    change: Change,
    signal: AbortSignal | undefined,
    beforeVisible: BeforeVisible | undefined,
  ): Promise<Committed> {
    const request = this.#request(change)
    let newest = this.#known ?? (await this.newest(signal))
    let fresh = false
    for (let races = 0; races <= maxRaces; races += 1) {
      if (needsWhole(newest, change, request.keeping)) newest = await this.wholeOf(newest, signal)
      const verdict = nextCatalog(newest, request)
      if (verdict.kind === 'committed') return { catalog: newest, ...goneBy(newest, request) }
      if (verdict.kind === 'next') {
        const raisesFloor = verdict.catalog.floor > newest.floor
        const complete = raisesFloor ? await this.withoutGap(newest, signal) : newest
        if (complete.version > newest.version) {
          newest = complete
          continue
        }
        const rewind = rewindDocument(newest, verdict.catalog, change, this.#environment.newToken())
        const created = await this.#publisher.publish(verdict.catalog, rewind, signal, beforeVisible)
        const committed = created === 'exists' ? 'undecided' : await this.#settle(request, created)
        if (committed !== 'undecided') return { ...committed, judgement: verdict.judgement }
        await this.#versions.pauseAfter(races, signal)
        newest = await this.#newestSince(verdict.catalog.version, 'reported to exist', signal)
      } else if (fresh) {
        throw refusal(verdict, this.#backend.url)
      } else {
        newest = await this.newest(signal)
      }
      fresh = true
    }
    throw new HoldfastError(
      'UNAVAILABLE',
      `The commit lost ${maxRaces} races against other writers. Try again with fewer writers.`,
      {
        url: this.#backend.url,
      },
    )
  }

  /**
   * Looks for newer versions, and checks that the created one is part of their history (rule 6). Returns `undecided` if the
   * newest version must judge the change again: another commit has the number of the created version, so the response
   * that reported the creation did not come from the store, or the newest version includes the change without following
   * the created one.
   */
  async #settle(request: CommitRequest, created: Created): Promise<Committed | 'undecided'> {
    const { catalog } = created
    let outcome: Exclude<ReturnType<typeof lookBack>, 'before its history'>
    try {
      outcome = await this.#lookBack(request, created)
    } catch (error) {
      throw unknownOutcome(catalog, error, this.#backend.url)
    }
    switch (outcome) {
      case 'committed':
        if (isWhole(catalog)) this.#pages.keep(catalog)
        return { catalog, ...goneBy(catalog, request) }
      case 'included':
      case 'lost':
        return 'undecided'
      case 'unknown':
        throw unknownOutcome(catalog, undefined, this.#backend.url)
      case 'fenced':
        await this.#backend.delete([catalogKey(catalog.version)]) // a version below the newest floor is dead (rule 4)
        throw fenced(
          'This process was suspended during its commit. Other writers continued without it, and the version was swept.',
          this.#backend.url,
        )
    }
  }

  async #lookBack(
    request: CommitRequest,
    { catalog, revision }: Created,
  ): Promise<Exclude<ReturnType<typeof lookBack>, 'before its history'>> {
    const { version } = catalog
    const ours = (listed: CatalogVersion): PagedCatalog | undefined =>
      listed.version === version && listed.revision === revision ? catalog : undefined
    for (let looks = 0; looks < maxLooks; looks += 1) {
      const newest = await this.#versions.newestSince(version, 'seen', ours)
      this.#remember(newest)
      const isFolded = request.change.kind === 'save' && request.change.entry.step <= lastPagedStep(newest)
      const outcome = lookBack(
        request,
        version,
        isFolded && newest.floor > version ? await this.wholeOf(newest) : newest,
      )
      if (outcome !== 'before its history') return outcome
      const there = await this.#versions.at(version)
      if (there !== undefined) return there.commitId === request.commitId ? 'committed' : 'lost'
    }
    return 'unknown'
  }

  async #firstSeen(signal: AbortSignal | undefined): Promise<PagedCatalog> {
    for (let looks = 0; looks < maxLooks; looks += 1) {
      const newest = await this.#versions.newest(signal)
      if (newest !== undefined) return this.#remember(newest)
      if (await isCatalogLost({ backend: this.#backend, log: this }, signal))
        throw lostCatalog(this.#backend.url)
      if (await this.isEmpty(signal)) return noCatalog
      // Another writer created the store in the meantime.
    }
    throw new HoldfastError(
      'UNAVAILABLE',
      `The store listed its catalog as empty and then as not empty, ${maxLooks} times in a row. Check whether a proxy responds in its place.`,
      { url: this.#backend.url, key: catalogPrefix },
    )
  }

  /** Returns the newest version from a created version on. Does not read the known version again. */
  async #newestSince(version: number, evidence: Evidence, signal?: AbortSignal): Promise<PagedCatalog> {
    const known = this.#known
    const recognise = (listed: CatalogVersion): PagedCatalog | undefined =>
      listed.version === known?.version ? known : undefined
    return this.#remember(await this.#versions.newestSince(version, evidence, recognise, signal))
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
}

/** Returns what the commit of a request took out of the list, as far as a later version shows it. */
function goneBy(
  { history, removed = [] }: PagedCatalog,
  request: CommitRequest,
): Pick<Committed, 'dropped' | 'removed'> {
  const record = history.find(({ commitId }) => commitId === request.commitId)
  return {
    dropped: record?.dropped ?? [],
    removed: removed.filter(({ version }) => version === record?.version),
  }
}
