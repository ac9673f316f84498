import * as promises from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { relative } from 'node:path'
import type { FileSystem } from '../src/index.ts'

/** The calls of a read that can fail. */
export type ReadCall = 'open' | 'read' | 'lstat'

/** Returns the error of a call on a path; `undefined` lets the call succeed. */
export type ReadFault = (call: ReadCall, path: string) => Error | undefined

/** The real file system below a root, whose reads fail as `fault` decides. */
export class FailingReads {
  readonly fileSystem: FileSystem
  fault: ReadFault = () => undefined

  constructor(root: string) {
    const attempt = (call: ReadCall, path: string): void => {
      const error = this.fault(call, relative(root, path))
      if (error !== undefined) throw error
    }
    const open: FileSystem['open'] = async (path, flags, mode) => {
      const reads = typeof flags !== 'number' || (flags & promises.constants.O_CREAT) === 0
      if (reads) attempt('open', String(path))
      return failing(await promises.open(path, flags, mode), () => {
        attempt('read', String(path))
      })
    }
    const lstat = (async (path: string, options?: { readonly bigint: true }) => {
      attempt('lstat', path)
      return promises.lstat(path, options)
    }) as FileSystem['lstat']
    this.fileSystem = { ...promises, open, lstat }
  }
}

function failing(handle: FileHandle, beforeRead: () => void): FileHandle {
  return new Proxy(handle, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target)
      if (typeof value !== 'function') return value
      const method = value as (...parameters: unknown[]) => unknown
      return async (...parameters: unknown[]) => {
        if (property === 'sync') return undefined
        if (property === 'read') beforeRead()
        return method.apply(target, parameters)
      }
    },
  })
}
