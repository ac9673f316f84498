import type { Change } from '../../../src/catalog/commit/changes/index.ts'
import { type CommitRequest, isDeadIn, nextCatalog } from '../../../src/catalog/commit/rules/index.ts'
import {
  type AttemptId,
  attemptPrefix,
  type CatalogEntry,
  manifestKey,
  newAttemptId,
} from '../../../src/catalog/documents/index.ts'
import { keepsAll } from '../../../src/catalog/judging/keeping.ts'
import { noCatalog, type WholeCatalog } from '../../../src/catalog/pages/index.ts'
import { sha256Hex } from '../../../src/integrity/index.ts'
import { entryOf, time } from '../entries.ts'
import type { Protocol } from './protocol.ts'
import type { Content, Copier, State, Step, Stored, Try } from './world.ts'

/** The step that all copies have. */
const step = 1

/** Tries after which a copier gives up. */
const mostTries = 3

/** The number of the latest commits that the history of the model names. That of the product names more. */
const historyLength = 2

const nothing: Stored = { files: [null, null], manifest: null }

/** Returns a catalog with a checkpoint of another step, which was saved there. */
export function catalogWith(other: number): WholeCatalog {
  const entry = entryOf(other, newAttemptId(other, 0, '0'.repeat(16)))
  const verdict = nextCatalog(noCatalog, requestOf('first', { kind: 'save', entry, onExisting: 'fail' }))
  if (verdict.kind !== 'next') throw new Error(`The model cannot begin: ${verdict.kind}`)
  return verdict.catalog
}

/** Returns every next step of a copier. A crash is the absence of further steps. */
export function copierSteps(state: State, index: number, protocol: Protocol): readonly Step[] {
  const copier = state.copiers[index]
  if (copier === undefined || copier.at === 'done') return []
  const go = (what: string, next: Copier, changes: Partial<State> = {}): readonly Step[] => [
    {
      name: `copier ${index} ${what}`,
      next: { ...state, ...changes, copiers: state.copiers.with(index, next) },
    },
  ]
  const put = (attempt: AttemptId, change: Partial<Stored>): Partial<State> => ({
    data: { ...state.data, [attempt]: { ...storedIn(state, attempt), ...change } },
  })
  switch (copier.at) {
    case 'begin': {
      const origin = state.source
      const prefix = nameOf(origin, protocol)
      const numbers = Object.keys(state.agreements).filter((name) => name.startsWith(prefix))
      const number = Math.max(1, ...numbers.map((name) => Number(name.slice(prefix.length))))
      return go(`begins to copy ${origin}`, { at: 'agree', origin, number })
    }
    case 'agree': {
      const { origin, number } = copier
      if (number > mostTries) return go('gives up', { at: 'done' })
      const name = `${nameOf(origin, protocol)}${number}`
      const own = newAttemptId(step, state.catalog.version, `${index}${number}`.padStart(16, '0'))
      const there = state.agreements[name]
      if (there !== undefined) return go(`agrees on ${there}`, { at: 'look', origin, number, attempt: there })
      const agreements = { ...state.agreements, [name]: own }
      return go(`begins ${own}`, { at: 'file', origin, number, attempt: own, file: 0 }, { agreements })
    }
    case 'look':
      return protocol.canContinue(state.catalog, copier.attempt)
        ? go('may continue', { ...copier, at: 'file', file: 0 })
        : go('finds it ended', nextTry(copier))
    case 'file': {
      const { origin, attempt, file } = copier
      const { files } = storedIn(state, attempt)
      const next: Copier =
        file + 1 < files.length ? { ...copier, file: file + 1 } : { ...tryOf(copier), at: 'manifest' }
      if (files[file] === origin) return go(`finds file ${file}`, next)
      if (protocol.verifiesSource && state.source !== origin)
        return go('refuses the bytes of the source', { at: 'done' })
      return go(`puts file ${file}`, next, put(attempt, { files: files.with(file, state.source) }))
    }
    case 'manifest': {
      const own = `${copier.origin} by copier ${index}`
      const committing: Copier = { ...copier, at: 'commit', manifest: own }
      if (storedIn(state, copier.attempt).manifest === null)
        return go('creates the manifest', committing, put(copier.attempt, { manifest: own }))
      return go('finds a manifest', protocol.readsManifestBack ? { ...copier, at: 'read back' } : committing)
    }
    case 'read back': {
      const { manifest } = storedIn(state, copier.attempt)
      if (manifest === null) return go('finds the manifest gone', { at: 'done' })
      return go('reads the manifest', { ...copier, at: 'commit', manifest })
    }
    case 'commit': {
      const { attempt, manifest } = copier
      const entry = {
        ...entryOf(step, attempt),
        origin: originOf(copier.origin),
        manifest: digestOf(manifest),
      }
      const { left } = state
      const refused: readonly Step[] =
        left.refusals === 0
          ? []
          : go(
              'is refused by its configuration',
              { ...tryOf(copier), at: 'discard' },
              {
                left: { ...left, refusals: left.refusals - 1 },
              },
            )
      const verdict = protocol.nextCatalog(
        state.catalog,
        requestOf(`copier ${index} ${attempt}`, { kind: 'save', entry, onExisting: 'replace' }),
      )
      if (verdict.kind === 'next')
        return [...refused, ...go('commits', { at: 'done' }, committed(state, verdict.catalog, attempt))]
      if (verdict.kind === 'committed')
        return go('finds it committed', { at: 'done' }, { ghost: acknowledging(state, attempt) })
      const isOver = verdict.kind !== 'fenced' || protocol.canContinue(state.catalog, attempt)
      return go(`is refused: ${verdict.kind}`, isOver ? { at: 'done' } : nextTry(copier))
    }
    case 'discard': {
      const { attempt } = copier
      const request = requestOf(`copier ${index} discards ${attempt}`, { kind: 'discard', attempt })
      const verdict = protocol.nextCatalog(state.catalog, request)
      if (verdict.kind !== 'next') return go('has nothing to discard', { at: 'done' })
      // The sweep below deletes what the copier deletes.
      return go(`discards ${attempt}`, { at: 'done' }, discarded(state, verdict.catalog, attempt))
    }
  }
}

/** Returns every next step of the source, and of other writers of the destination. */
export function otherSteps(state: State, protocol: Protocol): readonly Step[] {
  const { catalog, left } = state
  const steps: Step[] = []
  if (state.source === 'X')
    steps.push({ name: 'the source replaces its checkpoint', next: { ...state, source: 'Y' } })
  const commit = (name: keyof State['left'], change: Change): void => {
    if (left[name] === 0) return
    const verdict = protocol.nextCatalog(catalog, requestOf(`other ${catalog.version}`, change))
    if (verdict.kind !== 'next') return
    const spent = { ...state, left: { ...left, [name]: left[name] - 1 } }
    steps.push({
      name: `another writer: ${change.kind}`,
      next: { ...spent, ...committed(spent, verdict.catalog) },
    })
  }
  commit('takeovers', { kind: 'take over' })
  commit('deletions', { kind: 'delete', steps: [step], because: 'deleted by hand' })
  commit('others', {
    kind: 'open segments',
    store: otherStore,
    segments: [{ store: thisStore, segment: catalog.version }],
  })
  const isDead = isDeadIn(catalog)
  for (const [attempt, stored] of entriesOf(state.data)) {
    const file = stored.files.findIndex((content) => content !== null)
    if (file >= 0 && isDead(`${attemptPrefix(attempt)}file`))
      steps.push(swept(state, attempt, { ...stored, files: stored.files.with(file, null) }))
    else if (stored.manifest !== null && isDead(manifestKey(attempt)))
      steps.push(swept(state, attempt, { ...stored, manifest: null }))
  }
  for (const [name, attempt] of Object.entries(state.agreements)) {
    if (protocol.canContinue(catalog, attempt)) continue
    const { [name]: _, ...agreements } = state.agreements
    steps.push({ name: `a sweep deletes the agreement ${name}`, next: { ...state, agreements } })
  }
  return steps
}

/** Returns a promise that does not hold; `undefined` if all hold. */
export function violation({ catalog, data, ghost }: State): string | undefined {
  const listed = catalog.checkpoints.all.filter((entry) => entry.step === step)
  for (const { attempt, manifest } of listed) {
    const { files, manifest: stored } = data[attempt] ?? nothing
    if (stored === null || digestOf(stored).sha256 !== manifest.sha256)
      return `${attempt} is listed with another manifest than the stored one`
    const [content] = stored
    if (!files.every((file) => file === content))
      return `${attempt} is listed, and not all of its files are ${content}`
  }
  const isListed = (attempt: AttemptId): boolean => listed.some((entry) => entry.attempt === attempt)
  const revived = [...ghost.dropped, ...ghost.discarded].find(isListed)
  if (revived !== undefined) return `${revived} is listed after it was dropped or discarded`
  const lost = ghost.acknowledged.find((attempt) => !isListed(attempt) && !ghost.dropped.includes(attempt))
  return lost === undefined
    ? undefined
    : `${lost} was acknowledged, and neither is listed nor was dropped since`
}

function swept(state: State, attempt: AttemptId, stored: Stored): Step {
  return {
    name: `a sweep deletes a part of ${attempt}`,
    next: { ...state, data: { ...state.data, [attempt]: stored } },
  }
}

function committed(state: State, catalog: WholeCatalog, attempt?: AttemptId): Partial<State> {
  const dropped = catalog.history.at(-1)?.dropped.map((drop) => drop.attempt) ?? []
  const ghost = attempt === undefined ? state.ghost : acknowledging(state, attempt)
  return {
    catalog: remembered(catalog),
    ghost: { ...ghost, dropped: union(ghost.dropped, dropped) },
  }
}

function discarded({ ghost }: State, catalog: WholeCatalog, attempt: AttemptId): Partial<State> {
  return {
    catalog: remembered(catalog),
    ghost: { ...ghost, discarded: union(ghost.discarded, [attempt]) },
  }
}

function acknowledging({ ghost }: State, attempt: AttemptId): State['ghost'] {
  return { ...ghost, acknowledged: union(ghost.acknowledged, [attempt]) }
}

function remembered(catalog: WholeCatalog): WholeCatalog {
  return { ...catalog, history: catalog.history.slice(-historyLength) }
}

function union(one: readonly AttemptId[], other: readonly AttemptId[]): readonly AttemptId[] {
  return [...new Set([...one, ...other])].sort()
}

function nextTry({ origin, number }: Try): Copier {
  return { at: 'agree', origin, number: number + 1 }
}

function tryOf({ origin, number, attempt }: Try): Try {
  return { origin, number, attempt }
}

function storedIn({ data }: State, attempt: AttemptId): Stored {
  return data[attempt] ?? nothing
}

function entriesOf(data: State['data']): readonly (readonly [AttemptId, Stored])[] {
  return Object.entries(data) as [AttemptId, Stored][]
}

function nameOf(origin: Content, { namesOrigin }: Protocol): string {
  return namesOrigin ? `${origin}/` : 'step/'
}

const [thisStore, otherStore] = [
  '00000000-0000-4000-8000-000000000001',
  '00000000-0000-4000-8000-000000000002',
]

function originOf(content: Content): NonNullable<CatalogEntry['origin']> {
  const attempt = newAttemptId(step, content === 'X' ? 1 : 2, '0'.repeat(16))
  return { store: thisStore, attempt, manifest: '0'.repeat(64), segment: 0 }
}

function digestOf(manifest: string): CatalogEntry['manifest'] {
  return { sha256: sha256Hex(Buffer.from(manifest)), size: 1 }
}

function requestOf(commitId: string, change: Change): CommitRequest {
  const writer = { id: 'shared', name: 'shared', mode: 'shared' } as const
  return { writer, commitId, change, keeping: keepsAll, at: time }
}
