import { realpathSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { pathToFileURL } from 'node:url'
import {
  type BackendAdapter,
  type BackendHooks,
  type BackendOptionsOf,
  type CheckpointBackend,
  MemoryBackend,
} from '../backend/index.ts'
import { HoldfastError } from '../errors.ts'
import { nodeErrorCode } from '../node-errors.ts'
import { besideModule, findModule, type FoundModule, planted, type SearchBase } from './trust/find-module.ts'
import { isBundled, moduleFile } from './own-module.ts'
import type { PathPart } from './trust/path-parts.ts'
import { hasWorkingFolder, workingFolder } from './working-folder.ts'

/** The package for each kind of store. It is loaded only when a URL requires it. */
const packages: Readonly<Record<string, string>> = {
  file: '@holdfast/adapter-fs',
  s3: '@holdfast/adapter-s3',
  gs: '@holdfast/adapter-gcs',
  az: '@holdfast/adapter-azure',
}

/** Which adapter opens a URL, and the options that the adapter gets. */
export interface AdapterOptions<Location extends string = string> {
  /**
   * Adapters for other stores and for bundled programs. They come before the adapters of Holdfast. A string is the name
   * of a package or the path of a module, which must export `adapter`; it is resolved from the working folder.
   */
  readonly adapters?: readonly AdapterReference[] | undefined
  /** Options that are passed to the adapter of the URL. */
  readonly backend?: BackendOptionsOf<NoInfer<Location>> | undefined
}

/** An adapter, or the name of a package or module that exports one. */
export type AdapterReference = BackendAdapter | string

/**
 * Returns the backend for a URL. Rejects with `CONFIG` if no adapter is known for its scheme, or if the adapter is not
 * installed or not trusted. The error states the remedy.
 */
export async function openBackend(
  url: URL,
  options: AdapterOptions = {},
  hooks: BackendHooks = {},
): Promise<CheckpointBackend> {
  const scheme = url.protocol.slice(0, -1)
  const { adapters = [] } = options
  const given = adapters.length === 0 ? [] : await loadReferences(adapters, workingFolder())
  const adapter = given.find(({ schemes }) => schemes.includes(scheme))
  if (adapter !== undefined) return adapter.open(url, options.backend, hooks)
  if (scheme === 'mem') return openMemory(url)
  if (!Object.hasOwn(packages, scheme)) throw unknownScheme(scheme, given)
  const known = await loadKnown(packages[scheme] ?? '', scheme)
  return known.open(url, options.backend, hooks)
}

const namedMemories = new Map<string, MemoryBackend>()

/** `mem:` creates a new store each time. `mem:name` is one store throughout the process. */
function openMemory(url: URL): MemoryBackend {
  const name = url.pathname
  if (name === '') return new MemoryBackend('mem:')
  const memory = namedMemories.get(name) ?? new MemoryBackend(`mem:${name}`)
  namedMemories.set(name, memory)
  return memory
}

/** Loads the named adapters. Names are resolved from `folder`. */
export async function loadReferences(
  references: readonly AdapterReference[],
  folder: string,
): Promise<readonly BackendAdapter[]> {
  const base: SearchBase = { folder, owners: [] }
  const loaded: BackendAdapter[] = []
  for (const reference of references) {
    if (typeof reference !== 'string') loaded.push(reference)
    else loaded.push(await load(reference, chosen(reference, [base]) ?? notInstalled(reference, folder)))
  }
  return loaded
}

function notInstalled(name: string, folder: string): never {
  throw new HoldfastError('CONFIG', `The adapter ${name} was not found from ${folder}. Install it there.`)
}

/**
 * Loads an adapter of Holdfast. The adapter is a dependency of the program that uses Holdfast, and a strict package
 * manager shows core only its own dependencies, so both are searched. The working folder is not searched, because it
 * may belong to anybody.
 */
async function loadKnown(name: string, scheme: string): Promise<BackendAdapter> {
  const main = mainModule()
  const own = moduleFile(import.meta.url)
  const modules = [own, main].filter((file) => file !== undefined)
  const found = chosen(name, modules.map(besideModule))
  if (found !== undefined) return load(name, found)
  if (isBundled(own)) {
    throw new HoldfastError(
      'CONFIG',
      `${scheme}:// requires ${name}. This program is a bundle, which does not contain the package.`,
      { hint: { kind: 'bundle-adapter', package: name } },
    )
  }
  const isNearby =
    hasWorkingFolder() && findModule(name, { folder: workingFolder(), owners: [] }) !== undefined
  throw new HoldfastError(
    'CONFIG',
    isNearby
      ? `${scheme}:// requires ${name}. It is installed in the working folder, but packages there are loaded only by name.`
      : `${scheme}:// requires ${name}. Run: npm install ${name}`,
    isNearby ? { hint: { kind: 'name-adapter', package: name } } : {},
  )
}

/**
 * Returns the first place where the package is installed and trusted. Throws `CONFIG` if only other users have
 * installed it.
 */
function chosen(name: string, bases: readonly SearchBase[]): FoundModule | undefined {
  let planter: PathPart | undefined
  for (const base of bases) {
    const found = findModule(name, base)
    if (found !== undefined && found.foreign === undefined) return found
    planter ??= found?.foreign
  }
  if (planter === undefined) return undefined
  throw planted(name, planter)
}

/** The main module of this process. With `node --eval`, the first argument is not a module. */
function mainModule(): string | undefined {
  const [, main] = process.argv
  if (main === undefined || !isAbsolute(main)) return undefined
  try {
    return realpathSync(main)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(nodeErrorCode(error) ?? '')) return undefined
    throw error
  }
}

async function load(name: string, { file }: FoundModule): Promise<BackendAdapter> {
  const loaded: unknown = await import(/* webpackIgnore: true */ /* @vite-ignore */ pathToFileURL(file).href)
  if (isAdapterModule(loaded)) return loaded.adapter
  throw new HoldfastError(
    'CONFIG',
    `The package ${name} does not export an adapter. Update it: npm install ${name}@latest`,
  )
}

function isAdapterModule(loaded: unknown): loaded is { readonly adapter: BackendAdapter } {
  return typeof loaded === 'object' && loaded !== null && 'adapter' in loaded && isAdapter(loaded.adapter)
}

export function isAdapter(value: unknown): value is BackendAdapter {
  if (typeof value !== 'object' || value === null || !('open' in value) || !('schemes' in value)) return false
  const { open, schemes } = value
  return typeof open === 'function' && Array.isArray(schemes)
}

function unknownScheme(scheme: string, adapters: readonly BackendAdapter[]): HoldfastError {
  const known = [...Object.keys(packages), 'mem', ...adapters.flatMap(({ schemes }) => schemes)]
  return new HoldfastError(
    'CONFIG',
    `No adapter is known for ${scheme}:. Known schemes: ${known.map((each) => `${each}:`).join(', ')}, and plain paths.`,
    { hint: { kind: 'name-adapter', package: undefined } },
  )
}
