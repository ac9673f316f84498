import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import {
  type CheckpointBackend,
  CheckpointStore,
  type ErrorCode,
  HoldfastError,
  MemoryBackend,
  systemEnvironment,
  type StoreOptions,
  type Environment,
} from '../src/index.ts'
import { type CallOptions } from '../src/backend.ts'

/** Opens a store on a backend that other stores of the same test may share. Closes it at the end of the test. */
export function storeOn(
  backend: CheckpointBackend,
  options: StoreOptions = {},
  environment: Environment = systemEnvironment,
): CheckpointStore {
  const store = new CheckpointStore(backend, options, environment)
  onTestFinished(async () => {
    await store.close().catch((error: unknown) => {
      if (!(error instanceof HoldfastError)) throw error // the test itself caused it
    })
  })
  return store
}

/** An environment in which a few steps fill pages, and pages of pages. */
export const foldingEarly: Environment = {
  ...systemEnvironment,
  pageLimits: {
    checkpoints: { inline: 2, page: 2 },
    metrics: { inline: 2, page: 2 },
    references: { inline: 2, page: 2 },
  },
}

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-core-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

/** Returns the code of the Holdfast error that a call rejects with, or `no error`. Any other error is thrown. */
export async function codeOf(call: Promise<unknown>): Promise<ErrorCode | 'no error'> {
  try {
    await call
    return 'no error'
  } catch (error) {
    if (error instanceof HoldfastError) return error.code
    throw error
  }
}

/** As `codeOf`, for a call that throws. */
export function codeThrown(call: () => unknown): ErrorCode | 'no error' {
  try {
    call()
    return 'no error'
  } catch (error) {
    if (error instanceof HoldfastError) return error.code
    throw error
  }
}

export async function keysOf(backend: CheckpointBackend, prefix = ''): Promise<readonly string[]> {
  const keys: string[] = []
  for await (const { key } of backend.list(prefix)) keys.push(key)
  return keys
}

/** Replaces the bytes of an object without using the store. */
export async function tamper(
  backend: CheckpointBackend,
  key: string,
  change: (bytes: Uint8Array) => Uint8Array,
): Promise<void> {
  const { body } = await backend.read(key)
  const bytes = Buffer.concat(await Array.fromAsync(body))
  await backend.put(key, change(Uint8Array.from(bytes)))
}

export function flipBit(bytes: Uint8Array): Uint8Array {
  const middle = Math.floor(bytes.byteLength / 2)
  bytes[middle] = (bytes[middle] ?? 0) ^ 1
  return bytes
}

type Interceptor = (method: string, key: string) => 'pass' | 'fail before' | 'lose answer'

/**
 * A memory backend on which single calls fail before their effect, or lose their response after it. Counts calls as an
 * object store would count requests.
 */
export class FaultyBackend extends MemoryBackend {
  intercept: Interceptor = () => 'pass'
  readonly calls: string[] = []

  override async put(...parameters: Parameters<MemoryBackend['put']>) {
    return this.#through('put', parameters[0], () => super.put(...parameters))
  }

  override async commit(key: string, bytes: Uint8Array, options?: CallOptions) {
    return this.#through('commit', key, () => super.commit(key, bytes, options))
  }

  override async read(...parameters: Parameters<MemoryBackend['read']>) {
    return this.#through('read', parameters[0], () => super.read(...parameters))
  }

  override async delete(keys: readonly string[], options?: CallOptions) {
    return this.#through('delete', keys[0] ?? '', () => super.delete(keys, options))
  }

  override async *list(...parameters: Parameters<MemoryBackend['list']>) {
    await this.#through('list', parameters[0], () => Promise.resolve())
    yield* super.list(...parameters)
  }

  async #through<T>(method: string, key: string, call: () => Promise<T>): Promise<T> {
    this.calls.push(`${method} ${key}`)
    const fate = this.intercept(method, key)
    if (fate === 'fail before')
      throw new HoldfastError('UNAVAILABLE', `the ${method} of ${key} failed`, { key })
    const answer = await call()
    if (fate === 'pass') return answer
    const code = method === 'commit' ? 'OUTCOME_UNKNOWN' : 'UNAVAILABLE'
    throw new HoldfastError(code, `the answer to the ${method} of ${key} was lost`, { key })
  }
}
