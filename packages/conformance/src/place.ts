import {
  type BackendAdapter,
  type CheckpointBackend,
  HoldfastError,
  messageOf,
  openBackend,
} from '@holdfast/core/backend'

/** The data with which any process can open a backend on one place. */
export interface Place {
  readonly url: string
  /** The URL of a module that exports `adapter`. Default: the package for the scheme, found as by `openStore`. */
  readonly adapter?: string | undefined
  /** Options for the adapter. They must be plain JSON, because they may be sent to another process. */
  readonly options?: Readonly<Record<string, unknown>> | undefined
}

/** Opens a backend. Rejects with `CONFIG` or `INVALID_ARGUMENT` if no adapter exists or the adapter rejects the URL. */
export async function openPlace({ url, adapter, options }: Place): Promise<CheckpointBackend> {
  const adapters = adapter === undefined ? [] : [await loadAdapter(adapter)]
  return openBackend(new URL(url), { adapters, backend: options })
}

async function loadAdapter(module: string): Promise<BackendAdapter> {
  const exported = await importModule(module)
  if (isAdapterModule(exported)) return exported.adapter
  throw new HoldfastError(
    'CONFIG',
    `${module} does not export an adapter. Write: export const adapter = { schemes: ['name'], async open(url) { ... } }`,
  )
}

async function importModule(module: string): Promise<unknown> {
  try {
    return await import(module)
  } catch (error) {
    throw new HoldfastError('CONFIG', `The adapter module ${module} cannot be loaded: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

function isAdapterModule(exported: unknown): exported is { readonly adapter: BackendAdapter } {
  if (typeof exported !== 'object' || exported === null || !('adapter' in exported)) return false
  const { adapter } = exported
  return (
    typeof adapter === 'object' &&
    adapter !== null &&
    'open' in adapter &&
    typeof adapter.open === 'function' &&
    'schemes' in adapter &&
    Array.isArray(adapter.schemes)
  )
}
