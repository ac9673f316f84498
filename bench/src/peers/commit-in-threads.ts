import { createHash } from 'node:crypto'
import {
  closeSync,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  statfsSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'

/** The size in bytes of a version of the catalog after about a hundred saves. */
const versionBytes = 32_768

/** The calls of a save, grouped by what one thread does without an answer in between. They block the thread that makes them. */
const calls = {
  begin: (root: string, folder: string): void => {
    statfsSync(root)
    mkdirSync(folder)
  },
  write: (path: string, bytes: Uint8Array): void => {
    const file = openSync(path, 'wx')
    writeSync(file, bytes)
    fsyncSync(file)
    fstatSync(file, { bigint: true })
    closeSync(file)
  },
  sync: (folder: string): void => {
    const handle = openSync(folder, 'r')
    fsyncSync(handle)
    closeSync(handle)
  },
  rename: (from: string, to: string, folder: string): void => {
    renameSync(from, to)
    calls.sync(folder)
  },
  commit: (from: string, to: string, folder: string): void => {
    linkSync(from, to)
    unlinkSync(from)
    calls.sync(folder)
    readdirSync(folder)
    lstatSync(to)
  },
}

type Call = {
  [Name in keyof typeof calls]: readonly [Name, ...Parameters<(typeof calls)[Name]>]
}[keyof typeof calls]

/** A thread that makes one call after the other. */
class CallingThread {
  readonly #worker = new Worker(new URL(import.meta.url))

  async make(...call: Call): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>()
    this.#worker.once('message', resolve)
    this.#worker.once('error', reject)
    this.#worker.postMessage(call)
    await promise.finally(() => this.#worker.off('error', reject))
  }

  async end(): Promise<void> {
    await this.#worker.terminate()
  }
}

/**
 * Makes the calls of a save of one small file in the best order that is known: in two threads that block, with three syncs beside other
 * calls. It keeps the order of names on the disk: file, manifest, version. It does nothing else that a save does, so it shows what
 * remains for any save.
 */
export class CommitInThreads implements AsyncDisposable {
  readonly #first = new CallingThread()
  readonly #second = new CallingThread()
  readonly #version = Buffer.alloc(versionBytes, ' ')

  readonly commit = async (root: string, step: number, bytes: Uint8Array): Promise<string> => {
    const [first, second] = [this.#first, this.#second]
    const [data, catalog] = [join(root, 'data'), join(root, 'catalog')]
    const folder = join(data, String(step))
    const [file, manifest, version] = [
      join(folder, 'model.bin'),
      join(folder, 'manifest.json'),
      join(catalog, String(step)),
    ]
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    await first.make('begin', root, folder)
    await Promise.all([first.make('write', `${file}.tmp`, bytes), second.make('sync', data)])
    await Promise.all([
      first.make('rename', `${file}.tmp`, file, folder),
      second.make('write', `${manifest}.tmp`, Buffer.from(JSON.stringify({ step, sha256 }))),
    ])
    await Promise.all([
      first.make('rename', `${manifest}.tmp`, manifest, folder),
      second.make('write', `${version}.tmp`, this.#version),
    ])
    await first.make('commit', `${version}.tmp`, version, catalog)
    return file
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#first.end(), this.#second.end()])
  }
}

if (!isMainThread && parentPort !== null) {
  const port = parentPort
  port.on('message', ([name, ...given]: Call) => {
    Reflect.apply(calls[name], calls, given)
    port.postMessage(name)
  })
}
