import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Crc32c, crc32cBase64 } from '@holdfast/core/backend'

/** How the store handles one request incorrectly. */
export interface Script {
  /** Reads this many bytes of the body, then breaks the connection. */
  readonly take?: number
  /** Reads this many bytes of the body, and reports that it holds them. */
  readonly takeAndTell?: number
  /** Sends this many bytes of the response, then breaks the connection. */
  readonly answer?: number
  /** Rejects the request with this status. */
  readonly status?: number
  readonly reason?: string
  readonly message?: string
}

/**
 * A script; or the store executes the request and breaks the connection; or it stores other bytes without checking the
 * checksum.
 */
export type Fault = Script | 'lose the answer' | 'damage'

/** A request as the store received it. */
export interface Seen {
  readonly method: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly headers: IncomingMessage['headers']
  /** The body as text. Empty for a large body. */
  readonly text: string
}

interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
}

interface StoredObject {
  readonly bytes: Buffer
  readonly generation: number
  readonly contentEncoding: string | undefined
}

interface Session {
  readonly name: string
  readonly held: Buffer
  readonly done: boolean
}

const chunkUnit = 256 * 2 ** 10

const timeCreated = '2026-11-24T12:00:00.123Z'

/**
 * The part of Cloud Storage that the tests use. It checks offsets, checksums and generations strictly, and asks `fault`
 * about each request.
 */
export class ScriptedStore implements AsyncDisposable {
  /** Whether reads return the whole object, as a proxy that removes the header Range makes them. */
  ignoresRanges = false
  fault: (seen: Seen, index: number) => Fault | undefined = () => undefined
  readonly seen: Seen[] = []
  readonly objects = new Map<string, StoredObject>()
  readonly #sessions = new Map<string, Session>()
  #generation = 1000
  readonly #server = createServer((request, response) => {
    void this.#serve(request, response)
  })

  static async start(): Promise<ScriptedStore> {
    const store = new ScriptedStore()
    await new Promise<void>((resolve) => {
      store.#server.listen(0, '127.0.0.1', resolve)
    })
    return store
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** The requests so far in short form, such as `PUT bytes 0-9/*`. */
  get log(): readonly string[] {
    return this.seen.map(({ method, headers }) => `${method} ${headers['content-range'] ?? ''}`.trim())
  }

  store(name: string, bytes: Buffer, contentEncoding?: string): void {
    this.#generation += 1
    this.objects.set(name, { bytes, generation: this.#generation, contentEncoding })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request)
    if (body === undefined) return
    const { pathname, searchParams } = new URL(request.url ?? '/', this.endpoint)
    const seen: Seen = {
      method: request.method ?? '',
      path: decodeURIComponent(pathname),
      query: Object.fromEntries(searchParams),
      headers: request.headers,
      text: body.byteLength < 10_000 ? body.toString() : '',
    }
    const fault = this.fault(seen, this.seen.push(seen) - 1)
    const scripted: Script = typeof fault === 'object' ? fault : {}
    const { take, takeAndTell, answer: sent, status } = scripted
    const taken = body.subarray(0, take ?? takeAndTell)
    const answer =
      status === undefined
        ? this.#answerTo(seen, taken, fault === 'damage')
        : refusal({ ...scripted, status })
    if (fault === 'lose the answer' || take !== undefined) {
      response.destroy()
      return
    }
    response.writeHead(answer.status, answer.headers)
    if (sent === undefined) response.end(answer.body)
    else response.write(answer.body?.subarray(0, sent) ?? '', () => response.destroy())
  }

  #answerTo(seen: Seen, body: Buffer, damaged: boolean): Answer {
    const { method, path, query } = seen
    const name = path.split('/o/')[1] ?? ''
    if (path.startsWith('/session/')) return this.#progress(seen, body, damaged)
    if (method === 'POST' && query['uploadType'] === 'resumable') return this.#begin(query['name'] ?? '')
    if (method === 'POST') return this.#insert(seen, body)
    if (method === 'DELETE') return { status: this.objects.delete(name) ? 204 : 404 }
    return query['alt'] === 'media' ? this.#media(name, seen) : this.#tell(name)
  }

  #begin(name: string): Answer {
    const path = `/session/${this.#sessions.size}`
    this.#sessions.set(path, { name, held: Buffer.alloc(0), done: false })
    return { status: 200, headers: { location: this.endpoint + path } }
  }

  #progress({ method, path, headers }: Seen, body: Buffer, damaged: boolean): Answer {
    const session = this.#sessions.get(path)
    if (session === undefined) return { status: 410 }
    const { name, held, done } = session
    if (method === 'DELETE') return { status: this.#sessions.delete(path) ? 499 : 410 }
    if (done) return this.#tell(name)
    const range = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/.exec(headers['content-range'] ?? '')
    if (range === null) return { status: 400 }
    const [, from, to, total] = range
    if (from !== undefined && Number(from) !== held.byteLength) return { status: 400 }
    const complete = total !== '*' && Number(to) - Number(from) + 1 === body.byteLength
    const taken = complete ? body.byteLength : body.byteLength - (body.byteLength % chunkUnit)
    const now = Buffer.concat([held, body.subarray(0, taken)])
    if (now.byteLength !== Number(total)) {
      this.#sessions.set(path, { name, held: now, done })
      return {
        status: 308,
        ...(now.byteLength > 0 && { headers: { range: `bytes=0-${now.byteLength - 1}` } }),
      }
    }
    const proof = headers['x-goog-hash']
    if (!damaged && proof !== undefined && proof !== `crc32c=${crc32cOf(now)}`)
      return refusal({ status: 400, reason: 'invalid', message: "doesn't match calculated CRC32C" })
    this.#sessions.set(path, { name, held: now, done: true })
    this.store(name, damaged ? Buffer.alloc(now.byteLength) : now)
    return this.#tell(name)
  }

  #insert({ headers, query }: Seen, body: Buffer): Answer {
    const boundary = `--${/boundary=(.*)$/.exec(headers['content-type'] ?? '')?.[1] ?? ''}`
    const [, json = '', ...rest] = body.toString('latin1').split(boundary)
    const { name, crc32c } = JSON.parse(json.slice(json.indexOf('{'))) as Readonly<Record<string, string>>
    if (query['ifGenerationMatch'] === '0' && this.objects.has(name ?? '')) return { status: 412 }
    const part = rest.slice(0, -1).join(boundary)
    const bytes = Buffer.from(part.slice(part.indexOf('\r\n\r\n') + 4, -2), 'latin1')
    if (crc32c !== crc32cOf(bytes)) return { status: 400 }
    this.store(name ?? '', bytes)
    return this.#tell(name ?? '')
  }

  #media(name: string, { headers, query }: Seen): Answer {
    const object = this.objects.get(name)
    if (object === undefined) return { status: 404 }
    if (String(object.generation) !== (query['generation'] ?? String(object.generation)))
      return { status: 404 }
    const [range, start = '0', end = ''] =
      /^bytes=(\d+)-(\d+)$/.exec(this.ignoresRanges ? '' : (headers.range ?? '')) ?? []
    const body = range === undefined ? object.bytes : object.bytes.subarray(Number(start), Number(end) + 1)
    const encoding = object.contentEncoding
    return {
      status: range === undefined ? 200 : 206,
      headers: {
        'last-modified': new Date(timeCreated).toUTCString(),
        'x-goog-generation': String(object.generation),
        'x-goog-stored-content-length': String(object.bytes.byteLength),
        'content-length': String(body.byteLength),
        ...(range === undefined
          ? {}
          : {
              'content-range': `bytes ${start}-${Number(start) + body.byteLength - 1}/${object.bytes.byteLength}`,
            }),
        ...(encoding === undefined ? {} : { 'content-encoding': encoding }),
      },
      body,
    }
  }

  #tell(name: string): Answer {
    const object = this.objects.get(name)
    if (object === undefined) return { status: 404 }
    const { bytes, generation } = object
    const resource = {
      name,
      size: String(bytes.byteLength),
      generation: String(generation),
      timeCreated,
      crc32c: crc32cOf(bytes),
    }
    return json(200, resource)
  }
}

/** Returns the body; `undefined` if the client disconnected before its end. */
async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  try {
    return Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>))
  } catch (error) {
    if (request.complete) throw error
    return undefined
  }
}

function json(status: number, value: object): Answer {
  return { status, headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify(value)) }
}

/** Returns an error response in the format of the JSON API. */
function refusal({
  status,
  reason,
  message = 'As the script says',
}: Script & { readonly status: number }): Answer {
  return json(status, { error: { code: status, message, errors: [{ domain: 'global', reason, message }] } })
}

function crc32cOf(bytes: Uint8Array): string {
  return crc32cBase64(new Crc32c().update(bytes).value)
}
