import { withSecondLook } from '../../async/second-look.ts'
import { concurrently } from '../../async/concurrently.ts'
import type { CheckpointBackend } from '../../backend/index.ts'
import { catalogKey, catalogPrefix, decodeCatalog } from '../../catalog/documents/index.ts'
import { type DocumentReader, readListed } from '../../catalog/documents/read-document.ts'
import type { Keeping } from '../../catalog/judging/judgement.ts'
import { paged, type PagedCatalog, PageReader } from '../../catalog/pages/index.ts'
import { HoldfastError, isHoldfastError } from '../../errors.ts'
import { findRuns, type FoundRun } from './find-runs.ts'
import { type RunSummary, summaryOf } from './summary.ts'

export interface RunsRequest {
  readonly keeping: Keeping
  /** Read all lines of every catalog. Otherwise one document of each run is read. */
  readonly exact: boolean
  readonly signal?: AbortSignal | undefined
}

/** Times that a run is read again because its newest version was swept between the list and the read. */
const maxReads = 4

/** Summarises every run below the root of a backend, in the order of their keys. Changes nothing. */
export async function summariseRuns(
  backend: CheckpointBackend,
  request: RunsRequest,
): Promise<readonly RunSummary[]> {
  const { signal } = request
  const found = await Array.fromAsync(findRuns(backend, '', signal))
  return concurrently(found, backend.capabilities.smallObjectsAtOnce, signal, (run, taskSignal) =>
    summarise(backend, run, { ...request, signal: taskSignal }),
  )
}

async function summarise(
  backend: CheckpointBackend,
  found: FoundRun,
  { keeping, exact, signal }: RunsRequest,
): Promise<RunSummary> {
  const run = { name: found.root.slice(0, -1), url: urlBelow(backend.url, found.root) }
  const documents = readerBelow(backend, found.root, run.url)
  const readOnce = async ({ newest }: FoundRun): Promise<RunSummary | undefined> => {
    if (newest === undefined) return { ...run, state: 'no catalog', error: noCatalogIn(run.url) }
    const catalog = await readVersion(documents, newest, signal)
    if (catalog === undefined) return undefined
    const read = exact ? await new PageReader(documents).whole(catalog, signal) : catalog
    return { ...run, state: 'readable', ...summaryOf(read, keeping) }
  }
  try {
    return await untilRead(readOnce, found, () => foundAgain(backend, found.root, signal), run.url)
  } catch (error) {
    if (!isHoldfastError(error, 'CORRUPT', 'UNSUPPORTED')) throw error
    return { ...run, state: error.code === 'UNSUPPORTED' ? 'unsupported' : 'damaged', error }
  }
}

/** A version or a page that was swept since it was listed is no damage: then a newer version is listed. */
async function untilRead<Result>(
  readOnce: (found: FoundRun) => Promise<Result | undefined>,
  first: FoundRun,
  again: () => Promise<FoundRun>,
  url: string,
): Promise<Result> {
  let found = first
  for (let reads = 0; reads < maxReads; reads += 1) {
    try {
      const result = await readOnce(found)
      if (result !== undefined) return result
    } catch (error) {
      if (!isHoldfastError(error, 'NOT_FOUND')) throw error
      const next = await again()
      if (next.newest?.version === found.newest?.version) throw pageIsGone(url, error)
      found = next
      continue
    }
    found = await again()
  }
  throw new HoldfastError('UNAVAILABLE', `The catalog of ${url} changed during each of ${maxReads} reads.`, {
    url,
  })
}

async function readVersion(
  documents: DocumentReader,
  { version, revision }: NonNullable<FoundRun['newest']>,
  signal: AbortSignal | undefined,
): Promise<PagedCatalog | undefined> {
  return withSecondLook(async (look) => {
    const bytes = await readListed(documents, { key: catalogKey(version), revision }, signal, look)
    return bytes === undefined ? undefined : paged(decodeCatalog(bytes, version))
  })
}

async function foundAgain(
  backend: CheckpointBackend,
  root: string,
  signal: AbortSignal | undefined,
): Promise<FoundRun> {
  for await (const found of findRuns(backend, `${root}${catalogPrefix}`, signal)) return found
  return { root, newest: undefined }
}

function readerBelow(backend: CheckpointBackend, root: string, url: string): DocumentReader {
  return { url, read: (key, options) => backend.read(`${root}${key}`, options) }
}

function urlBelow(url: string, root: string): string {
  const path = root.split('/').slice(0, -1).map(encodeURIComponent)
  return [url.replace(/\/$/, ''), ...path].join('/')
}

function noCatalogIn(url: string): HoldfastError {
  return new HoldfastError(
    'CORRUPT',
    `${url} has no catalog. Either its first save has not ended, or the catalog is lost.`,
    { url, hint: { kind: 'repair' } },
  )
}

function pageIsGone(url: string, cause: HoldfastError): HoldfastError {
  return new HoldfastError('CORRUPT', `The catalog of ${url} refers to a page that is gone.`, {
    url,
    key: cause.key,
    cause,
    hint: { kind: 'repair' },
  })
}
