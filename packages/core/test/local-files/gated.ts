import type { FileHandle } from 'node:fs/promises'
import * as promises from 'node:fs/promises'
import type { LocalFileSystem } from '../../src/local-files/file-system.ts'

/** Makes a call on the real file system, or replaces it. */
export type Around = (
  method: string,
  parameters: readonly unknown[],
  call: () => Promise<unknown>,
) => Promise<unknown>

/** Called before each call. A thrown error becomes the failure of the call. */
export type Gate = (method: string, ...parameters: readonly unknown[]) => void

export function gated(gate: Gate): LocalFileSystem {
  return surrounded(async (method, parameters, call) => {
    gate(method, ...parameters)
    return call()
  })
}

/** The real file system, whose calls go through `around`. Calls on an open file have the name `file.METHOD`. */
export function surrounded(around: Around): LocalFileSystem {
  return proxyOf(promises, async (method, parameters, call) => {
    const result = await around(method, parameters, call)
    return method === 'open' ? fileOf(result as FileHandle, around) : result
  })
}

function fileOf(handle: FileHandle, around: Around): FileHandle {
  return proxyOf(handle, (method, parameters, call) =>
    method === 'close' ? call() : around(`file.${method}`, parameters, call),
  )
}

function proxyOf<Target extends object>(target: Target, around: Around): Target {
  return new Proxy(target, {
    get(_, property) {
      const value: unknown = Reflect.get(target, property, target)
      if (typeof value !== 'function') return value
      return (...parameters: unknown[]): Promise<unknown> =>
        around(
          String(property),
          parameters,
          async () => (await Reflect.apply(value, target, parameters)) as unknown,
        )
    },
  })
}

export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: made by a test`), { code })
}
