import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import {
  type BackendAdapter,
  type BackendHooks,
  type CheckpointBackend,
  MemoryBackend,
} from '../backend/index.ts'
import { HoldfastError } from '../errors.ts'
import { nodeErrorCode } from '../node-errors.ts'

/** Which package speaks to which kind of store. Known by name only, and loaded when a URL asks for it. */
const packages: Readonly<Record<string, string>> = {
  file: '@holdfast/adapter-fs',
  s3: '@holdfast/adapter-s3',
  gs: '@holdfast/adapter-gcs',
  az: '@holdfast/adapter-azure',
}

export interface AdapterOptions {
  /** Adapters that are at hand already, for schemes of one's own and for bundled programs. They come first. */
  readonly adapters?: readonly BackendAdapter[] | undefined
  /** Passed to the adapter that the URL asks for. */
  readonly backend?: Readonly<Record<string, unknown>> | undefined
}

/**
 * The backend for a URL. Rejects with `CONFIG` when no adapter is known for its scheme, or the adapter is not
 * installed, and says how to install it.
 */
export async function openBackend(
  url: URL,
  options: AdapterOptions = {},
  hooks: BackendHooks = {},
): Promise<CheckpointBackend> {
  const scheme = url.protocol.slice(0, -1)
  const given = options.adapters?.find(({ schemes }) => schemes.includes(scheme))
  if (given !== undefined) return given.open(url, options.backend, hooks)
  if (scheme === 'mem') return openMemory(url)
  const name = packages[scheme]
  if (name === undefined) throw unknownScheme(scheme, options.adapters ?? [])
  const adapter = await loadAdapter(name, scheme)
  return adapter.open(url, options.backend, hooks)
}

const namedMemories = new Map<string, MemoryBackend>()

/** `mem:` is a new one each time; `mem:name` is the same one throughout the process. */
function openMemory(url: URL): MemoryBackend {
  const name = url.pathname
  if (name === '') return new MemoryBackend('mem:')
  const memory = namedMemories.get(name) ?? new MemoryBackend(`mem:${name}`)
  namedMemories.set(name, memory)
  return memory
}

async function loadAdapter(name: string, scheme: string): Promise<BackendAdapter> {
  const loaded: unknown = await importFromApplication(name, scheme)
  if (isAdapterModule(loaded)) return loaded.adapter
  throw new HoldfastError(
    'CONFIG',
    `The package ${name} does not export an adapter. Update it: npm install ${name}@latest.`,
  )
}

/**
 * Imports a package as the program would that uses us: an adapter is its dependency, not ours, and a strict
 * package manager lets us see our own only.
 */
async function importFromApplication(name: string, scheme: string): Promise<unknown> {
  const places = [import.meta.url, process.argv[1], join(process.cwd(), 'package.json')]
  for (const place of places) {
    const found = place === undefined ? undefined : resolveFrom(place, name)
    if (found !== undefined) return await import(pathToFileURL(found).href)
  }
  throw new HoldfastError('CONFIG', `${scheme}:// needs ${name}. Install it: npm install ${name}`)
}

function resolveFrom(place: string, name: string): string | undefined {
  try {
    return createRequire(place).resolve(name)
  } catch (error) {
    if (nodeErrorCode(error) === 'MODULE_NOT_FOUND') return undefined
    throw new HoldfastError(
      'CONFIG',
      `The package ${name} is installed, and broken. Install it again: npm install ${name}`,
      {
        cause: error,
      },
    )
  }
}

function isAdapterModule(loaded: unknown): loaded is { readonly adapter: BackendAdapter } {
  if (typeof loaded !== 'object' || loaded === null || !('adapter' in loaded)) return false
  const { adapter } = loaded
  return (
    typeof adapter === 'object' && adapter !== null && 'open' in adapter && typeof adapter.open === 'function'
  )
}

function unknownScheme(scheme: string, adapters: readonly BackendAdapter[]): HoldfastError {
  const known = [...Object.keys(packages), 'mem', ...adapters.flatMap(({ schemes }) => schemes)]
  return new HoldfastError(
    'CONFIG',
    `No adapter is known for ${scheme}:. Known are ${known.map((each) => `${each}:`).join(', ')}, and plain paths.`,
  )
}
