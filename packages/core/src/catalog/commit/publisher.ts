import { concurrently } from '../../async/concurrently.ts'
import type { BeforeVisible, CheckpointBackend } from '../../backend/index.ts'
import { commitAhead } from '../../backend/write-ahead.ts'
import type { Environment } from '../../environment.ts'
import { HoldfastError, isHoldfastError, messageOf, throwIfAborted } from '../../errors.ts'
import {
  catalogKey,
  decodeCatalog,
  encodeCatalog,
  newPageId,
  type PageId,
  pageKey,
} from '../documents/index.ts'
import { readSmall } from '../documents/read-document.ts'
import { documentOf, fold, type PagedCatalog, pagesAtOnce } from '../pages/index.ts'
import { unknownOutcome } from './refusals.ts'
import type { NewDocument } from './rewind-document.ts'

/** A version that the store claims to have created. It has a revision if the store returned one. */
export interface Created {
  readonly catalog: PagedCatalog
  readonly revision: string | undefined
}

/** Writes versions of one store's catalog. The rules have decided what they contain. */
export class Publisher {
  readonly #backend: CheckpointBackend
  readonly #environment: Environment

  constructor(backend: CheckpointBackend, environment: Environment) {
    this.#backend = backend
    this.#environment = environment
  }

  /** Creates a version after the documents that belong to it and its new pages. Deletes them if the creation certainly failed. */
  async publish(
    catalog: PagedCatalog,
    others: readonly NewDocument[],
    signal: AbortSignal | undefined,
    beforeVisible?: BeforeVisible,
  ): Promise<Created | 'exists'> {
    const environment = this.#environment
    const newPage = (): PageId => newPageId(catalog.version, environment.newToken())
    const folded = fold(catalog, environment.pageLimits, newPage)
    const pages = folded.newPages.map(({ page, bytes }) => ({ key: pageKey(page), bytes }))
    const documents = [...others, ...pages]
    try {
      await this.#write(documents, signal)
      return await this.#create(folded.catalog, async () => {
        await beforeVisible?.()
        throwIfAborted(signal, 'The commit', { url: this.#backend.url })
        // The signal is ignored from here on. Stopping during the creation would make the outcome unknown.
      })
    } catch (error) {
      if (isHoldfastError(error) && error.code !== 'OUTCOME_UNKNOWN') await this.#remove(documents, error)
      throw error
    }
  }

  /** Writes the documents of a version. If the version is not created, they are dead and a sweep deletes them. */
  async #write(documents: readonly NewDocument[], signal: AbortSignal | undefined): Promise<void> {
    await concurrently(documents, pagesAtOnce, signal, ({ key, bytes }, taskSignal) => {
      const options = { size: bytes.byteLength, contentType: 'application/json', signal: taskSignal }
      return this.#backend.put(key, bytes, options)
    })
  }

  /** Without this clean-up, each attempt on a full disk would use more space. */
  async #remove(documents: readonly NewDocument[], failure: HoldfastError): Promise<void> {
    if (documents.length === 0) return
    try {
      await this.#backend.delete(documents.map(({ key }) => key))
    } catch (error) {
      const { code, message, key, url, retryable } = failure
      throw new HoldfastError(code, `${message} Its pages could not be removed. A sweep removes them.`, {
        key,
        url,
        retryable,
        cause: new AggregateError([failure, error]),
      })
    }
  }

  async #create(catalog: PagedCatalog, beforeVisible: BeforeVisible): Promise<Created | 'exists'> {
    const bytes = encodeCatalog(documentOf(catalog))
    try {
      return await this.#tryToCreate(catalog, bytes, beforeVisible)
    } catch (error) {
      if (!isHoldfastError(error, 'OUTCOME_UNKNOWN')) throw error
      return await this.#settleUnknown(catalog, bytes, error)
    }
  }

  async #tryToCreate(
    catalog: PagedCatalog,
    bytes: Uint8Array,
    beforeVisible?: BeforeVisible,
  ): Promise<Created | 'exists'> {
    let revision: string | undefined
    const outcome = await commitAhead(this.#backend, catalogKey(catalog.version), bytes, {
      beforeVisible,
      onCreated: (created) => (revision = created),
    })
    return outcome === 'created' ? { catalog, revision } : 'exists'
  }

  /**
   * Commits the same bytes again. This either succeeds, or finds the object with that number. Comparing that object
   * decides the outcome. If it cannot be read, the outcome remains unknown (rule 7).
   */
  async #settleUnknown(
    catalog: PagedCatalog,
    bytes: Uint8Array,
    unknown: HoldfastError,
  ): Promise<Created | 'exists'> {
    const key = catalogKey(catalog.version)
    try {
      const created = await this.#tryToCreate(catalog, bytes)
      if (created !== 'exists') return created
      const there = await readSmall(this.#backend, key, undefined)
      if (Buffer.compare(there, bytes) === 0) return { catalog, revision: undefined }
      decodeCatalog(there, catalog.version) // the owner of a damaged version is unknown
      return 'exists'
    } catch (error) {
      throw unknownOutcome(
        catalog,
        new AggregateError([unknown, error], messageOf(unknown)),
        this.#backend.url,
      )
    }
  }
}
