import * as promises from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { relative } from 'node:path'
import type { FileSystem } from '../src/index.ts'

/**
 * Called before each effect with its name and its paths relative to the root. A thrown error becomes the failure of the
 * effect.
 */
export type Before = (call: string, index: number) => void

/**
 * The real file system, which reports each call before it is made. Random names of temporary files are reported as
 * `TMP`.
 */
export function recordingFileSystem(root: string, before: Before): FileSystem {
  let index = 0
  const tell = (name: string, ...paths: readonly string[]): void => {
    const places = paths.map((path) => relative(root, path).replace(/\.holdfast-tmp-[0-9a-f]+/, 'TMP') || '.')
    index += 1
    before([name, ...places].join(' '), index - 1)
  }
  const wrap = (handle: FileHandle, path: string): FileHandle =>
    new Proxy(handle, {
      get(target, property) {
        const value: unknown = Reflect.get(target, property, target)
        if (typeof value !== 'function') return value
        const method = value as (...parameters: unknown[]) => unknown
        return (...parameters: unknown[]) => {
          if (['sync', 'write'].includes(String(property))) tell(String(property), path)
          return method.apply(target, parameters)
        }
      },
    })
  return {
    ...promises,
    open: async (path, flags, mode) => {
      if (typeof flags === 'number' && (flags & promises.constants.O_CREAT) !== 0)
        tell('create', String(path))
      return wrap(await promises.open(path, flags, mode), String(path))
    },
    mkdir: (async (path: string) => {
      tell('mkdir', path)
      await promises.mkdir(path)
    }) as FileSystem['mkdir'],
    link: async (from, to) => {
      tell('link', String(from), String(to))
      await promises.link(from, to)
    },
    rename: async (from, to) => {
      tell('rename', String(from), String(to))
      await promises.rename(from, to)
    },
    unlink: async (path) => {
      tell('unlink', String(path))
      await promises.unlink(path)
    },
    rmdir: async (path) => {
      tell('rmdir', String(path))
      await promises.rmdir(path)
    },
  }
}

/** Returns an error like those of the operating system. */
export function systemError(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: injected`), { code })
}
