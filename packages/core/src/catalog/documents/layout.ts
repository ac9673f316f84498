import * as v from 'valibot'
import type { ProcessIdentity } from '../../local-files/process-identity.ts'

export const markerKey = 'holdfast.json'
export const catalogPrefix = 'catalog/'
export const pagesPrefix = 'pages/'
export const dataPrefix = 'data/'
export const rewindsPrefix = 'rewinds/'
export const agreementsPrefix = 'agreements/'
export const probePrefix = 'probe/'
export const reservePrefix = 'reserve/'
export const writersPrefix = 'writers/'
export const manifestName = 'manifest.json'

/** The prefix of the names of temporary files and folders, in a store on a disk and at the destination of a restore. */
export const temporaryPrefix = '.holdfast-'

const versionDigits = String(Number.MAX_SAFE_INTEGER).length
const catalogKeyPattern = new RegExp(`^catalog/(\\d{${versionDigits}})\\.json$`)
const attemptPattern = /^(0|[1-9]\d{0,15})-(0|[1-9]\d{0,15})-[0-9a-f]{16}$/

const pagePattern = /^(0|[1-9]\d{0,15})-[0-9a-f]{16}$/

export const attemptSchema = v.pipe(v.string(), v.regex(attemptPattern), v.brand('AttemptId'))

/** The name of one attempt to save a step: `<step>-<base>-<random>`. No two attempts have the same name. */
export type AttemptId = v.InferOutput<typeof attemptSchema>

/** The name of an agreement: parts of lower-case letters, digits and hyphens, with `/` between them. */
const agreementPattern = /^(?=.{1,200}$)[a-z0-9-]+(?:\/[a-z0-9-]+)*$/

export const pageIdSchema = v.pipe(v.string(), v.regex(pagePattern), v.brand('PageId'))

/** The name of one page of the catalog: `<version>-<random>`, with the version for which it was written. */
export type PageId = v.InferOutput<typeof pageIdSchema>

export const rewindIdSchema = v.pipe(v.string(), v.regex(pagePattern), v.brand('RewindId'))

/** The name of one rewind: `<version>-<random>`, with the newest version of the catalog that was known when it began. */
export type RewindId = v.InferOutput<typeof rewindIdSchema>

export const agreementNameSchema = v.pipe(v.string(), v.regex(agreementPattern), v.brand('AgreementName'))

/** The name of one agreement, such as `terms/3/open`. */
export type AgreementName = v.InferOutput<typeof agreementNameSchema>

/** Versions are padded with zeros, so that keys sort by version. */
export function catalogKey(version: number): string {
  return `${catalogPrefix}${String(version).padStart(versionDigits, '0')}.json`
}

/** Returns the version in the key of a catalog version; `undefined` for any other key. */
export function catalogVersionOf(key: string): number | undefined {
  const digits = catalogKeyPattern.exec(key)?.[1]
  const version = digits === undefined ? undefined : Number(digits)
  return version !== undefined && Number.isSafeInteger(version) && version > 0 ? version : undefined
}

/** `token` has 16 hexadecimal digits. */
export function newPageId(version: number, token: string): PageId {
  return `${version}-${token}` as PageId
}

export function pageKey(page: PageId): string {
  return `${pagesPrefix}${page}.json`
}

/** Returns the name of the page with this key; `undefined` for any other key. */
export function pageOfKey(key: string): PageId | undefined {
  const name = nameIn(pagesPrefix, key)
  return name !== undefined && pagePattern.test(name) ? (name as PageId) : undefined
}

/** Returns the version of the catalog for which a page was written. */
export function versionOfPage(page: PageId): number {
  return Number(page.slice(0, page.indexOf('-')))
}

/** `token` is 16 hexadecimal digits. */
export function newRewindId(version: number, token: string): RewindId {
  return `${version}-${token}` as RewindId
}

/** The newest version of the catalog that was known when a rewind began. */
export function versionOfRewind(rewind: RewindId): number {
  return Number(rewind.slice(0, rewind.indexOf('-')))
}

export function rewindKey(rewind: RewindId): string {
  return `${rewindsPrefix}${rewind}.json`
}

/** Returns the name of the rewind with this key; `undefined` for any other key. */
export function rewindOfKey(key: string): RewindId | undefined {
  const name = nameIn(rewindsPrefix, key)
  return name !== undefined && pagePattern.test(name) ? (name as RewindId) : undefined
}

/** Joins the parts of a name. Throws if a part has other characters than lower-case letters, digits and hyphens. */
export function agreementName(...parts: readonly (string | number)[]): AgreementName {
  return v.parse(agreementNameSchema, parts.join('/'))
}

export function agreementKey(name: AgreementName): string {
  return `${agreementsPrefix}${name}.json`
}

/** Returns the name of the agreement with this key; `undefined` for any other key. */
export function agreementOfKey(key: string): AgreementName | undefined {
  const name = nameIn(agreementsPrefix, key)
  return name !== undefined && agreementPattern.test(name) ? (name as AgreementName) : undefined
}

/** Terms are padded with zeros, so that the order of keys is the order of terms. */
const termDigits = 10
const termPattern = new RegExp(`^terms/(\\d{${termDigits}})/`)

/** The beginning of the names of all agreements of one term of a job of many ranks: `terms/<term>/`. */
export function termPrefix(term: number): string {
  return `terms/${String(term).padStart(termDigits, '0')}/`
}

/** The term of a job of many ranks whose agreement a key names. */
export function termOfKey(key: string): number | undefined {
  const digits = termPattern.exec(agreementOfKey(key) ?? '')?.[1]
  return digits === undefined || Number(digits) === 0 ? undefined : Number(digits)
}

const startPattern = /^starts\/(\d+)\/\d{10}$/

/** The rank of a job of many ranks, if a key names the start of a process of it. Starts of a rank are in the order of keys. */
export function rankOfStart(key: string): string | undefined {
  return startPattern.exec(agreementOfKey(key) ?? '')?.[1]
}

function nameIn(prefix: string, key: string): string | undefined {
  if (!key.startsWith(prefix) || !key.endsWith('.json')) return undefined
  return key.slice(prefix.length, -'.json'.length)
}

/** `token` has 16 hexadecimal digits. */
export function newAttemptId(step: number, base: number, token: string): AttemptId {
  return `${step}-${base}-${token}` as AttemptId
}

export function isAttemptId(text: string): text is AttemptId {
  return attemptPattern.test(text)
}

/** Returns the step of an attempt, and the newest catalog version that its writer knew when it began. */
export function partsOfAttempt(attempt: AttemptId): { readonly step: number; readonly base: number } {
  const first = attempt.indexOf('-')
  const second = attempt.indexOf('-', first + 1)
  return { step: Number(attempt.slice(0, first)), base: Number(attempt.slice(first + 1, second)) }
}

export function attemptPrefix(attempt: AttemptId): string {
  return `${dataPrefix}${attempt}/`
}

const notePattern = /^writers\/([0-9-]+-[0-9a-f]{16})_([0-9a-f]{16})-(\d{1,10})-(\d{1,15})$/

/** The process that writes an attempt. The name of a note contains all of it. */
export interface WriterNote {
  readonly attempt: AttemptId
  readonly process: ProcessIdentity
}

export function writerNoteKey({ attempt, process: { machine, pid, startedAt } }: WriterNote): string {
  return `${writersPrefix}${attempt}_${machine}-${pid}-${startedAt}`
}

/** Returns the note that a key names; `undefined` for any other key. */
export function writerNoteOf(key: string): WriterNote | undefined {
  const [, attempt, machine, pid, startedAt] = notePattern.exec(key) ?? []
  if (attempt === undefined || machine === undefined || !isAttemptId(attempt)) return undefined
  return { attempt, process: { machine, pid: Number(pid), startedAt: Number(startedAt) } }
}

/** `object` is the path of an object below the attempt's prefix. */
export function objectKey(attempt: AttemptId, object: string): string {
  return `${dataPrefix}${attempt}/${object}`
}

export function manifestKey(attempt: AttemptId): string {
  return objectKey(attempt, manifestName)
}

/** Returns the attempt that contains a key; `undefined` for any other key. */
export function attemptOfKey(key: string): AttemptId | undefined {
  if (!key.startsWith(dataPrefix)) return undefined
  const name = key.slice(dataPrefix.length, key.indexOf('/', dataPrefix.length))
  return isAttemptId(name) && key.length > dataPrefix.length + name.length ? name : undefined
}

/** The folders of Holdfast, except those of attempts and agreements. */
const ownFolders = ['', catalogPrefix, pagesPrefix, rewindsPrefix, reservePrefix, probePrefix, writersPrefix]

/** Returns whether a folder, whose key ends with `/`, is one of Holdfast or lies in one. */
export function isOwnFolder(folder: string): boolean {
  return [dataPrefix, agreementsPrefix, ...ownFolders].some((own) => own !== '' && folder.startsWith(own))
}

/** Returns whether a key is that of a document other than a manifest. */
export function isDocumentKey(key: string): boolean {
  return (
    key === markerKey ||
    [catalogVersionOf, pageOfKey, rewindOfKey, agreementOfKey].some((nameOf) => nameOf(key) !== undefined)
  )
}

/**
 * Returns whether unfinished work at a key belongs to this store but not to an attempt. This is the case for keys of
 * documents and probes, and for temporary files beside documents, probes and reserve files.
 */
export function isOwnWork(key: string): boolean {
  const name = key.slice(key.lastIndexOf('/') + 1)
  const folder = key.slice(0, key.length - name.length)
  if (name === '' || !(ownFolders.includes(folder) || folder.startsWith(agreementsPrefix))) return false
  return name.startsWith(temporaryPrefix) || folder === probePrefix || isDocumentKey(key)
}
