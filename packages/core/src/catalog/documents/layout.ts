import * as v from 'valibot'

export const markerKey = 'holdfast.json'
export const catalogPrefix = 'catalog/'
export const pagesPrefix = 'pages/'
export const dataPrefix = 'data/'
export const rewindsPrefix = 'rewinds/'
export const agreementsPrefix = 'agreements/'
export const probePrefix = 'probe/'
export const reservePrefix = 'reserve/'
export const manifestName = 'manifest.json'

/** The beginning of the names of temporary files and folders, in a store on a disk and where files are restored. */
export const temporaryPrefix = '.holdfast-'

const versionDigits = String(Number.MAX_SAFE_INTEGER).length
const catalogKeyPattern = new RegExp(`^catalog/(\\d{${versionDigits}})\\.json$`)
const attemptPattern = /^(0|[1-9]\d{0,15})-(0|[1-9]\d{0,15})-[0-9a-f]{16}$/

const pagePattern = /^(0|[1-9]\d{0,15})-[0-9a-f]{16}$/

export const attemptSchema = v.pipe(v.string(), v.regex(attemptPattern), v.brand('AttemptId'))

/** The name of one try at saving a step: `<step>-<base>-<random>`. No two tries have the same name. */
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

/** Versions are padded with zeros, so that the order of keys is the order of versions. */
export function catalogKey(version: number): string {
  return `${catalogPrefix}${String(version).padStart(versionDigits, '0')}.json`
}

/** The version that a catalog key names; `undefined` for a key that is not one. */
export function catalogVersionOf(key: string): number | undefined {
  const digits = catalogKeyPattern.exec(key)?.[1]
  const version = digits === undefined ? undefined : Number(digits)
  return version !== undefined && Number.isSafeInteger(version) && version > 0 ? version : undefined
}

/** `token` is 16 hexadecimal digits. */
export function newPageId(version: number, token: string): PageId {
  return `${version}-${token}` as PageId
}

export function pageKey(page: PageId): string {
  return `${pagesPrefix}${page}.json`
}

/** The page that a key names; `undefined` for a key that is not one. */
export function pageOfKey(key: string): PageId | undefined {
  const name = nameIn(pagesPrefix, key)
  return name !== undefined && pagePattern.test(name) ? (name as PageId) : undefined
}

/** The version of the catalog for which a page was written. */
export function versionOfPage(page: PageId): number {
  return Number(page.slice(0, page.indexOf('-')))
}

export function rewindKey(rewind: RewindId): string {
  return `${rewindsPrefix}${rewind}.json`
}

/** The rewind that a key names; `undefined` for a key that is not one. */
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

/** The agreement that a key names; `undefined` for a key that is not one. */
export function agreementOfKey(key: string): AgreementName | undefined {
  const name = nameIn(agreementsPrefix, key)
  return name !== undefined && agreementPattern.test(name) ? (name as AgreementName) : undefined
}

/** The term of a job of many ranks whose agreement a key names: `terms/<term>/...`. */
export function termOfKey(key: string): number | undefined {
  const digits = /^terms\/([1-9]\d{0,15})\//.exec(agreementOfKey(key) ?? '')?.[1]
  const term = Number(digits)
  return Number.isSafeInteger(term) ? term : undefined
}

function nameIn(prefix: string, key: string): string | undefined {
  if (!key.startsWith(prefix) || !key.endsWith('.json')) return undefined
  return key.slice(prefix.length, -'.json'.length)
}

/** `token` is 16 hexadecimal digits. */
export function newAttemptId(step: number, base: number, token: string): AttemptId {
  return `${step}-${base}-${token}` as AttemptId
}

export function isAttemptId(text: string): text is AttemptId {
  return attemptPattern.test(text)
}

/** The step that an attempt saves and the newest catalog version that its writer knew when it began. */
export function partsOfAttempt(attempt: AttemptId): { readonly step: number; readonly base: number } {
  const first = attempt.indexOf('-')
  const second = attempt.indexOf('-', first + 1)
  return { step: Number(attempt.slice(0, first)), base: Number(attempt.slice(first + 1, second)) }
}

export function attemptPrefix(attempt: AttemptId): string {
  return `${dataPrefix}${attempt}/`
}

/** `object` is the path of an object below the attempt's prefix. */
export function objectKey(attempt: AttemptId, object: string): string {
  return `${dataPrefix}${attempt}/${object}`
}

export function manifestKey(attempt: AttemptId): string {
  return objectKey(attempt, manifestName)
}

/** The attempt that a key lies under; `undefined` for a key that is under none. */
export function attemptOfKey(key: string): AttemptId | undefined {
  if (!key.startsWith(dataPrefix)) return undefined
  const name = key.slice(dataPrefix.length, key.indexOf('/', dataPrefix.length))
  return isAttemptId(name) && key.length > dataPrefix.length + name.length ? name : undefined
}

/** Folders of ours, other than those of attempts and agreements. */
const ownFolders = ['', catalogPrefix, pagesPrefix, rewindsPrefix, reservePrefix, probePrefix]

/** Whether a key is that of a document, other than a manifest. */
export function isDocumentKey(key: string): boolean {
  return (
    key === markerKey ||
    [catalogVersionOf, pageOfKey, rewindOfKey, agreementOfKey].some((nameOf) => nameOf(key) !== undefined)
  )
}

/**
 * Whether unfinished work at a key belongs to this store and to no attempt: the key is that of a document or a probe, or
 * of a temporary file beside a document, a probe or a file of the reserve.
 */
export function isOwnWork(key: string): boolean {
  const name = key.slice(key.lastIndexOf('/') + 1)
  const folder = key.slice(0, key.length - name.length)
  if (name === '' || !(ownFolders.includes(folder) || folder.startsWith(agreementsPrefix))) return false
  return name.startsWith(temporaryPrefix) || folder === probePrefix || isDocumentKey(key)
}
