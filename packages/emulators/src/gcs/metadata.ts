import { parseCrc32c } from '@holdfast/core/backend'
import { invalid, notImplemented } from './errors.ts'
import { isJsonObject, type JsonObject } from './request.ts'

/** The metadata that a client gives to an object. */
export interface Described {
  readonly contentType: string | undefined
  readonly contentEncoding: string | undefined
  readonly contentDisposition: string | undefined
  readonly contentLanguage: string | undefined
  readonly cacheControl: string | undefined
  readonly storageClass: string
  readonly kmsKeyName: string | undefined
  readonly metadata: Readonly<Record<string, string>>
}

/** The hashes of the bytes that a client expects. */
export interface ExpectedHashes {
  readonly crc32c: string | undefined
  readonly md5Hash: string | undefined
}

const textFields = [
  'contentType',
  'contentEncoding',
  'contentDisposition',
  'contentLanguage',
  'cacheControl',
] as const

const storageClasses = ['STANDARD', 'NEARLINE', 'COLDLINE', 'ARCHIVE']

/**
 * The largest total size of custom metadata, names and values, in bytes:
 * https://cloud.google.com/storage/docs/metadata#custom-metadata.
 */
const mostMetadata = 8192

/** Applies the metadata of a resource on top of existing metadata. A field with the value `null` is removed. */
export function describe(resource: JsonObject, before?: Described): Described {
  for (const name of Object.keys(resource))
    if (!known.includes(name)) throw notImplemented(`the field ${name}`)
  const text = (name: (typeof textFields)[number]): string | undefined =>
    textField(resource, name, before?.[name])
  const storageClass = textField(resource, 'storageClass', before?.storageClass) ?? 'STANDARD'
  if (!storageClasses.includes(storageClass))
    throw invalid(`Invalid argument: storage class ${storageClass}.`)
  return {
    contentType: text('contentType'),
    contentEncoding: text('contentEncoding'),
    contentDisposition: text('contentDisposition'),
    contentLanguage: text('contentLanguage'),
    cacheControl: text('cacheControl'),
    storageClass,
    kmsKeyName: before?.kmsKeyName,
    metadata: customMetadata(resource, before?.metadata ?? {}),
  }
}

const known: readonly string[] = [
  ...textFields,
  'bucket',
  'crc32c',
  'kind',
  'md5Hash',
  'metadata',
  'name',
  'storageClass',
]

export function expectedHashes(resource: JsonObject): ExpectedHashes {
  const crc32c = textField(resource, 'crc32c', undefined)
  const md5Hash = textField(resource, 'md5Hash', undefined)
  if (crc32c !== undefined && parseCrc32c(crc32c) === undefined)
    throw invalid(`Invalid value for crc32c: ${crc32c}`)
  if (md5Hash !== undefined && Buffer.from(md5Hash, 'base64').byteLength !== 16)
    throw invalid(`Invalid value for md5Hash: ${md5Hash}`)
  return { crc32c, md5Hash }
}

/** Parses the header `x-goog-hash`, such as `crc32c=n03x6A==,md5=Ojk9c3dhfxgoKVVHYwFbHQ==`. */
export function hashesOfHeader(text: string | undefined): ExpectedHashes {
  const pairs = (text ?? '').split(/ *, */).filter((pair) => pair !== '')
  const hashes: Record<string, string> = {}
  for (const pair of pairs) {
    const [, name, value] = /^(crc32c|md5)=(.+)$/.exec(pair) ?? []
    if (name === undefined || value === undefined) throw invalid(`Invalid x-goog-hash: ${pair}`)
    hashes[name === 'md5' ? 'md5Hash' : name] = value
  }
  return expectedHashes(hashes)
}

function textField(resource: JsonObject, name: string, before: string | undefined): string | undefined {
  const value = resource[name]
  if (value === undefined) return before
  if (value === null) return undefined
  if (typeof value !== 'string') throw invalid(`Invalid value for ${name}.`)
  return value
}

function customMetadata(
  resource: JsonObject,
  before: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const given = resource['metadata'] ?? {}
  if (!isJsonObject(given)) throw invalid('Invalid value for metadata.')
  const metadata = { ...before }
  for (const name of Object.keys(given)) {
    const value = textField(given, name, undefined)
    if (value === undefined) Reflect.deleteProperty(metadata, name)
    else metadata[name] = value
  }
  if (Buffer.byteLength(Object.entries(metadata).flat().join('')) > mostMetadata)
    throw invalid('Metadata part is too large.')
  return metadata
}
