import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MemoryBackend } from '../../src/index.ts'
import { keysOf } from '../stores.ts'

/** The objects of a store by their keys. */
export type Objects = ReadonlyMap<string, Uint8Array>

/** The golden stores in this folder. Each is a folder with a file for each object. */
export type GoldenStore = '1.0' | '1.7' | 'packs' | 'inline' | 'shared'

function folderOf(store: GoldenStore): string {
  return fileURLToPath(new URL(`stores/${store}`, import.meta.url))
}

export async function objectsOf(backend: MemoryBackend): Promise<Objects> {
  const objects = new Map<string, Uint8Array>()
  for (const key of await keysOf(backend)) {
    const { body } = await backend.read(key)
    objects.set(key, Buffer.concat(await Array.fromAsync(body)))
  }
  return objects
}

export async function goldenObjects(store: GoldenStore): Promise<Objects> {
  const folder = folderOf(store)
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
  return new Map(
    await Promise.all(
      paths.map(async (path) => [relative(folder, path).split(sep).join('/'), await readFile(path)] as const),
    ),
  )
}

/** Returns a copy of a golden store, which a test may change. */
export async function goldenStore(store: GoldenStore): Promise<MemoryBackend> {
  const backend = new MemoryBackend()
  for (const [key, bytes] of await goldenObjects(store)) await backend.put(key, bytes)
  return backend
}

export async function writeGolden(store: GoldenStore, backend: MemoryBackend): Promise<void> {
  const folder = folderOf(store)
  await rm(folder, { recursive: true, force: true })
  for (const [key, bytes] of await objectsOf(backend)) {
    const path = join(folder, ...key.split('/'))
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, bytes)
  }
}
