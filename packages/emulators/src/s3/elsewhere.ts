import { randomUUID } from 'node:crypto'
import { type Answer, type Call, type RunningServer, serve } from '../http/http-server.ts'
import type { ObjectFiles } from '../objects/object-files.ts'
import { rangeOf } from './range.ts'
import type { StoredObject } from './state.ts'

/**
 * Another host, which serves the bytes of objects under addresses that cannot be guessed, as the edge of a content delivery
 * network does. It rejects every request with credentials or with headers of S3: they were meant for the store.
 */
export class Elsewhere {
  readonly #server: RunningServer
  readonly #objects: Map<string, StoredObject>

  private constructor(server: RunningServer, objects: Map<string, StoredObject>) {
    this.#server = server
    this.#objects = objects
  }

  static async start(files: ObjectFiles): Promise<Elsewhere> {
    const objects = new Map<string, StoredObject>()
    const server = await serve(0, async (call) => answer(files, objects.get(call.path), call))
    return new Elsewhere(server, objects)
  }

  /** Returns an address of the current body of an object. */
  addressOf(object: StoredObject): string {
    const path = `/${randomUUID()}`
    this.#objects.set(path, object)
    return `${this.#server.endpoint}${path}?signature=${randomUUID()}`
  }

  async close(): Promise<void> {
    await this.#server.close()
  }
}

function answer(files: ObjectFiles, object: StoredObject | undefined, call: Call): Answer {
  const leaked = Object.keys(call.headers).find(
    (name) => ['authorization', 'cookie'].includes(name) || name.startsWith('x-amz-'),
  )
  if (leaked !== undefined) return { status: 400, body: `The request has the header ${leaked}.` }
  if (object === undefined || call.method !== 'GET') return { status: 404, body: 'There is no such address.' }
  const { size, pieces } = object
  const headers = { etag: '"edge"', 'content-type': 'application/octet-stream' }
  try {
    const { start, end } = rangeOf(call.headers.range, size) ?? { start: 0, end: size }
    return {
      status: call.headers.range === undefined ? 200 : 206,
      headers: {
        ...headers,
        'content-length': end - start,
        'content-range': `bytes ${start}-${end - 1}/${size}`,
      },
      body: files.read(pieces, start, end),
    }
  } catch {
    return { status: 416, headers: { 'content-range': `bytes */${size}` } }
  }
}
