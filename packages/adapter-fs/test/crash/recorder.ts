import { constants } from 'node:fs'
import type * as promises from 'node:fs/promises'
import { createFsFromVolume, type Volume } from 'memfs'
import { systemError } from '../recording.ts'
import type { Effect } from './effects.ts'

/** Called with each effect just before it happens. A returned promise that never settles is a crash at that point. */
export type Gate = (effect: Effect) => Promise<never> | undefined

/**
 * A volume in memory that passes each effect to a gate first. The checks of an effect and the effect itself happen in
 * one synchronous step, so the gate sees the effects in their real order. The gate does not see effects that fail. Files cannot
 * be cloned, unless `clones` is true.
 */
export function gated(volume: Volume, gate: Gate, { clones = false } = {}): typeof promises {
  const fileSystem = createFsFromVolume(volume).promises as unknown as typeof promises
  const effect = async (what: Effect, possible: boolean, code: string, make: () => void): Promise<void> => {
    if (!possible) throw systemError(code)
    const crash = gate(what)
    if (crash !== undefined) await crash
    make()
  }
  const there = (path: unknown): boolean => volume.existsSync(String(path))
  const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/'
  return {
    ...fileSystem,
    copyFile: async (from, to) => {
      if (!clones) throw systemError('ENOSYS')
      if (there(to)) throw systemError('EEXIST')
      const possible = there(from) && there(folderOf(String(to)))
      await effect({ kind: 'clone', from: String(from), to: String(to) }, possible, 'ENOENT', () => {
        volume.copyFileSync(String(from), String(to))
      })
    },
    open: async (path, flags, mode) => {
      if (!creates(flags)) {
        const handle = await fileSystem.open(path, flags)
        const kind = (await handle.stat()).isDirectory() ? 'sync folder' : 'sync file'
        return gatedHandle(handle, String(path), kind, gate)
      }
      await effect({ kind: 'create', path: String(path) }, there(folderOf(String(path))), 'ENOENT', () => {
        volume.writeFileSync(String(path), '', { flag: 'wx' })
      })
      const handle = await fileSystem.open(path, 'r+')
      // POSIX lets a process write through the handle that creates a read-only file. memfs does not.
      if (mode !== undefined) volume.chmodSync(String(path), mode)
      return gatedHandle(handle, String(path), 'sync file', gate)
    },
    mkdir: (async (path: string) => {
      if (there(path)) throw systemError('EEXIST')
      await effect({ kind: 'mkdir', path }, there(folderOf(path)), 'ENOENT', () => {
        volume.mkdirSync(path)
      })
    }) as typeof promises.mkdir,
    rmdir: async (path) => {
      if (!there(path)) throw systemError('ENOENT')
      const empty = volume.readdirSync(String(path)).length === 0
      await effect({ kind: 'rmdir', path: String(path) }, empty, 'ENOTEMPTY', () => {
        volume.rmdirSync(String(path))
      })
    },
    unlink: async (path) => {
      await effect({ kind: 'unlink', path: String(path) }, there(path), 'ENOENT', () => {
        volume.unlinkSync(String(path))
      })
    },
    link: async (from, to) => {
      await effect({ kind: 'link', from: String(from), to: String(to) }, !there(to), 'EEXIST', () => {
        volume.linkSync(String(from), String(to))
      })
    },
    rename: async (from, to) => {
      await effect({ kind: 'rename', from: String(from), to: String(to) }, there(from), 'ENOENT', () => {
        volume.renameSync(String(from), String(to))
      })
    },
  }
}

/** The calls of `write` that Holdfast makes: a part of a buffer, or a string at a position. */
type Write = (written: Uint8Array | string, offset: number, length: number, position: number) => void

function creates(flags: string | number | undefined): boolean {
  return typeof flags === 'number' ? (flags & constants.O_CREAT) !== 0 : flags === 'wx'
}

function gatedHandle(
  handle: promises.FileHandle,
  path: string,
  sync: 'sync file' | 'sync folder',
  gate: Gate,
): promises.FileHandle {
  return new Proxy(handle, {
    get(target, property) {
      if (property === 'sync') {
        return async () => {
          await gate({ kind: sync, path })
          await target.sync()
        }
      }
      if (property === 'write') {
        return async (...[written, offset, length, place]: Parameters<Write>) => {
          const isText = typeof written === 'string'
          const bytes = isText
            ? Buffer.from(written)
            : Uint8Array.from(written.subarray(offset, offset + length))
          const position = isText ? offset : place
          await gate({ kind: 'write', path, position, bytes })
          return target.write(bytes, 0, bytes.byteLength, position)
        }
      }
      if (property === 'writeFile') {
        return async (text: string) => {
          const bytes = Buffer.from(text)
          await gate({ kind: 'write', path, position: 0, bytes })
          await target.write(bytes, 0, bytes.byteLength, 0)
        }
      }
      const value: unknown = Reflect.get(target, property, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}
