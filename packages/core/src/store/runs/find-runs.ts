import type { CheckpointBackend } from '../../backend/index.ts'
import {
  agreementsPrefix,
  catalogPrefix,
  catalogVersionOf,
  dataPrefix,
  isAttemptId,
  markerKey,
  pagesPrefix,
  probePrefix,
  reservePrefix,
  rewindsPrefix,
} from '../../catalog/documents/index.ts'
import { isFolderOfSystem } from './folders-of-systems.ts'

/** A store that lies below a prefix. */
export interface FoundRun {
  /** The beginning of its keys: empty, or with a slash at the end. */
  readonly root: string
  /** The newest version of its catalog that the list shows; `undefined` if the list shows none. */
  readonly newest: { readonly version: number; readonly revision: string } | undefined
}

/** Keys of one request. A small request suffices for the catalog of a run whose many files are skipped. */
const fewestKeys = 200
const mostKeys = 1000

/** Keys of one folder of a run that are read before the rest of the folder is skipped. */
const keysBeforeSkip = 100

/** The folders of a run that are behind its catalog in the order of keys, and may hold many objects. */
const skipped = [dataPrefix, pagesPrefix, probePrefix, reservePrefix, rewindsPrefix, agreementsPrefix]

const catalogKeyPattern = new RegExp(`^((?:.*/)?)(${catalogPrefix}\\d+\\.json)$`)
const markerKeyPattern = new RegExp(`^((?:.*/)?)${markerKey.replace('.', '\\.')}$`)

/**
 * Finds every store whose keys begin with a prefix, in the order of the keys. Skips most objects of a store, so the number
 * of requests depends on the number of stores and little on their size.
 */
export async function* findRuns(
  backend: Pick<CheckpointBackend, 'list'>,
  prefix: string,
  signal?: AbortSignal,
): AsyncGenerator<FoundRun> {
  const roots = new Set<string>()
  let open: FoundRun | undefined
  let startAfter: string | undefined
  let limit = mostKeys
  for (let isMore = true; isMore; ) {
    let listed = 0
    const passed = new PassedKeys()
    let skipTo: string | undefined
    for await (const { key, revision } of backend.list(prefix, {
      startAfter,
      limit,
      mayOmit: isFolderOfSystem,
      signal,
    })) {
      listed += 1
      startAfter = key
      const version = versionIn(key)
      if (open !== undefined && version?.root !== open.root) {
        yield open
        open = undefined
      }
      const markerRoot = rootOfMarker(key)
      if (version !== undefined) {
        roots.add(version.root)
        open = { root: version.root, newest: newer(open?.newest, { version: version.version, revision }) }
      } else if (markerRoot !== undefined && !roots.has(markerRoot)) {
        roots.add(markerRoot)
        yield { root: markerRoot, newest: undefined }
      } else {
        skipTo = passed.endOfFolder(key, roots)
        if (skipTo !== undefined) break
      }
    }
    isMore = skipTo !== undefined || listed >= limit
    startAfter = skipTo ?? startAfter
    limit = skipTo === undefined ? Math.min(mostKeys, limit * 2) : fewestKeys
  }
  if (open !== undefined) yield open
}

/** Counts the keys that were read of one folder of a run. */
class PassedKeys {
  #folder = ''
  #count = 0

  /** Returns a key that is behind the whole folder if enough of its keys were read; otherwise `undefined`. */
  endOfFolder(key: string, roots: ReadonlySet<string>): string | undefined {
    const folder = folderOfRun(key, roots)
    this.#count = folder === this.#folder ? this.#count + 1 : 1
    this.#folder = folder ?? ''
    if (folder === undefined || this.#count < keysBeforeSkip) return undefined
    return `${folder.slice(0, -1)}0` // '0' is the character after '/'
  }
}

/** The folder of a known run in which a key lies, with its slash. */
function folderOfRun(key: string, roots: ReadonlySet<string>): string | undefined {
  for (let slash = key.indexOf('/'); slash >= 0; slash = key.indexOf('/', slash + 1)) {
    const folder = key.slice(0, slash + 1)
    const root = folder.slice(0, folder.lastIndexOf('/', slash - 1) + 1)
    if (skipped.includes(folder.slice(root.length)) && roots.has(root)) return folder
  }
  return undefined
}

function versionIn(key: string): { readonly root: string; readonly version: number } | undefined {
  const [, root, rest] = catalogKeyPattern.exec(key) ?? []
  if (root === undefined || rest === undefined || isInAttempt(root)) return undefined
  const version = catalogVersionOf(rest)
  return version === undefined ? undefined : { root, version }
}

function rootOfMarker(key: string): string | undefined {
  const root = markerKeyPattern.exec(key)?.[1]
  return root === undefined || isInAttempt(root) ? undefined : root
}

/** A checkpoint can contain files that are named like those of a store. */
function isInAttempt(root: string): boolean {
  const parts = root.split('/')
  return parts.some((part, index) => `${part}/` === dataPrefix && isAttemptId(parts[index + 1] ?? ''))
}

function newer(before: FoundRun['newest'], listed: NonNullable<FoundRun['newest']>): FoundRun['newest'] {
  return before === undefined || listed.version > before.version ? listed : before
}
