import { type JsonValue, type MemoryBackend } from '../../src/index.ts'
import { sha256Hex } from '../../src/backend.ts'
import { type DocumentKind, seal } from '../../src/catalog/documents/sealed.ts'
import { parseStoredJson } from '../../src/input/json.ts'
import { keysOf } from '../stores.ts'

/** Paths into a document, such as `checkpoints.0.bytes`. Each has a function from the old value to the new one. */
export type Edits = Readonly<Record<string, (before: JsonValue | undefined) => JsonValue>>

export const to =
  (value: JsonValue): Edits[string] =>
  () =>
    value

export async function readText(backend: MemoryBackend, key: string): Promise<string> {
  return Buffer.concat(await Array.fromAsync((await backend.read(key)).body)).toString()
}

/** Changes a document and seals it again with a correct checksum. */
export async function reseal(
  backend: MemoryBackend,
  kind: DocumentKind,
  key: string,
  edits: Edits,
): Promise<void> {
  const document = parseStoredJson(await readText(backend, key)) as Readonly<Record<string, JsonValue>>
  let body = document[kind] ?? null
  for (const [path, edit] of Object.entries(edits)) body = edited(body, path.split('.'), edit)
  await backend.put(key, seal(kind, body))
}

function edited(value: JsonValue | undefined, path: readonly string[], edit: Edits[string]): JsonValue {
  const [name, ...rest] = path
  if (name === undefined) return edit(value)
  if (Array.isArray(value)) {
    const items: readonly JsonValue[] = value
    const index = name === 'last' ? items.length - 1 : Number(name)
    return items.with(index, edited(items[index], rest, edit))
  }
  const object = (typeof value === 'object' && value !== null ? value : {}) as Record<string, JsonValue>
  return { ...object, [name]: edited(object[name], rest, edit) }
}

export async function newestCatalogKey(backend: MemoryBackend): Promise<string> {
  return (await keysOf(backend, 'catalog/')).at(-1) ?? ''
}

export async function resealCatalog(backend: MemoryBackend, edits: Edits): Promise<void> {
  await reseal(backend, 'catalog', await newestCatalogKey(backend), edits)
}

/** Changes the manifest of the last step in the newest catalog, and updates its digest there. */
export async function resealManifest(backend: MemoryBackend, step: number, edits: Edits): Promise<void> {
  const keys = await keysOf(backend, `data/${step}-`)
  const key = keys.find((each) => each.endsWith('/manifest.json')) ?? ''
  await reseal(backend, 'manifest', key, edits)
  const bytes = Buffer.from(await readText(backend, key))
  const manifest = { sha256: sha256Hex(bytes), size: bytes.byteLength }
  await resealCatalog(backend, { 'checkpoints.last.manifest': to(manifest) })
}
