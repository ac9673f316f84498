import { createHash } from 'node:crypto'

/**
 * A reader that follows docs/format.md of version 1.0. It shares no code with the product and never changes. The tests
 * use it to read what the newest writer writes. A writer must require a feature for every addition that this reader
 * would misinterpret.
 */

type Objects = ReadonlyMap<string, Uint8Array>
type Json = Readonly<Record<string, unknown>>

interface Line extends Json {
  readonly step: number
}

interface Entry extends Line {
  readonly attempt: string
  readonly manifest: { readonly sha256: string; readonly size: number }
}

interface Reference extends Json {
  readonly page: string
  readonly sha256: string
}

interface File extends Json {
  readonly name: string
  readonly object: string
  readonly size: number
  readonly sha256: string
}

export interface ReadCheckpoint {
  readonly step: number
  readonly entry: Entry
  readonly manifest: Json
  readonly files: ReadonlyMap<string, Uint8Array>
}

export interface ReadStore {
  readonly checkpoints: readonly ReadCheckpoint[]
  readonly quarantined: readonly number[]
  readonly metrics: readonly Line[]
}

/** The document requires a feature or a major version that this reader does not know. */
export class Unsupported extends Error {}

export function readStore(objects: Objects): ReadStore {
  const newest = [...objects.keys()]
    .filter((key) => /^catalog\/\d{16}\.json$/.test(key))
    .sort()
    .at(-1)
  if (newest === undefined) return { checkpoints: [], quarantined: [], metrics: [] }
  const catalog = unsealed(objects, newest, 'catalog')
  const older = (catalog['older'] ?? { checkpoints: [], metrics: [] }) as Readonly<
    Record<'checkpoints' | 'metrics', readonly Reference[]>
  >
  const recent = catalog['checkpoints'] as readonly Entry[]
  const entries = [...(inPages(objects, older.checkpoints) as readonly Entry[]), ...recent]
  const quarantined = catalog['quarantined'] as readonly { readonly entry: Entry }[]
  return {
    checkpoints: entries.map((entry) => readCheckpoint(objects, entry)),
    quarantined: quarantined.map(({ entry }) => entry.step),
    metrics: [...inPages(objects, older.metrics), ...(catalog['metrics'] as readonly Line[])],
  }
}

function inPages(objects: Objects, references: readonly Reference[]): readonly Line[] {
  return references.flatMap(({ page, sha256 }) => {
    const body = unsealed(objects, `pages/${page}.json`, 'page', sha256)
    return body['holds'] === 'pages'
      ? inPages(objects, body['content'] as readonly Reference[])
      : (body['content'] as readonly Line[])
  })
}

function readCheckpoint(objects: Objects, entry: Entry): ReadCheckpoint {
  const prefix = `data/${entry.attempt}/`
  const manifest = unsealed(objects, `${prefix}manifest.json`, 'manifest', entry.manifest.sha256)
  const files = (manifest['files'] as readonly File[]).map(({ name, object, size, sha256 }) => {
    const bytes = bytesOf(objects, `${prefix}${object}`, sha256)
    if (bytes.byteLength !== size) throw new Error(`${name} has another size`)
    return [name, bytes] as const
  })
  return { step: entry.step, entry, manifest, files: new Map(files) }
}

function unsealed(objects: Objects, key: string, kind: string, digest?: string): Json {
  const text = Buffer.from(bytesOf(objects, key, digest)).toString()
  const match = /^\{"sha256":"([0-9a-f]{64})","([a-z]+)":(.*)\}\n$/s.exec(text)
  const [, sha256, sealedKind, body = ''] = match ?? []
  if (sha256Of(Buffer.from(body)) !== sha256 || sealedKind !== kind) throw new Error(`${key} is damaged`)
  const parsed = JSON.parse(body) as Json
  if (!new RegExp(`^holdfast-${kind}/1\\.\\d+$`).test(String(parsed['format']))) {
    throw new Unsupported(`${key} has the format ${String(parsed['format'])}`)
  }
  const requires = parsed['requires'] as readonly string[]
  if (requires.length > 0) throw new Unsupported(`${key} requires ${requires.join(', ')}`)
  return parsed
}

function bytesOf(objects: Objects, key: string, digest: string | undefined): Uint8Array {
  const bytes = objects.get(key)
  if (bytes === undefined) throw new Error(`${key} is missing`)
  if (digest !== undefined && sha256Of(bytes) !== digest) throw new Error(`${key} is damaged`)
  return bytes
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
