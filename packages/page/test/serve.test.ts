import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { CheckpointStore, HoldfastError, MemoryBackend } from '@holdfast/core'
import { expect, onTestFinished, test } from 'vitest'
import {
  type ChangePlan,
  type RunChange,
  type RunPage,
  type RunSource,
  servePage,
  type ServeOptions,
  sourceOf,
} from '../src/index.ts'
import { refusalOf } from '../src/server/refusal.ts'
import { fixedSource, samplePage, sampleRuns } from './samples.ts'

const built = { script: 'console.log(1)', style: 'p{}' }

interface Answer {
  readonly status: number | undefined
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: string
}

interface Served {
  readonly port: number
  readonly token: string
  readonly ask: (
    path: string,
    headers?: Readonly<Record<string, string>>,
    method?: string,
    body?: string,
  ) => Promise<Answer>
}

async function serve(read?: () => Promise<RunPage>): Promise<Served> {
  return serveAll({ run: fixedSource(read), built })
}

async function serveAll(options: ServeOptions): Promise<Served> {
  const server = await servePage(options)
  onTestFinished(() => server.close())
  const { port, hash } = new URL(server.url)
  const ask: Served['ask'] = async (path, headers = {}, method = 'GET', body = '') =>
    new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port, path, method, headers }, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => {
          const { statusCode: status, headers } = response
          resolve({ status, headers, body: Buffer.concat(chunks).toString() })
        })
      })
      sent.on('error', reject)
      sent.end(body)
    })
  return { port: Number(port), token: hash.slice(1), ask }
}

test('sends the run only to requests with the token', async () => {
  const { ask, token } = await serve()
  expect((await ask('/run', { authorization: `Bearer ${token}` })).status).toBe(200)
  for (const headers of [{}, { authorization: token }, { authorization: 'Bearer x' }, { cookie: token }])
    expect(await ask('/run', { ...headers })).toMatchObject({
      status: 401,
      body: expect.not.stringContaining('pose-42') as string,
    })
  expect((await ask(`/run?token=${token}`)).status).toBe(401)
  expect(token).toMatch(/^[\w-]{43}$/)
})

test('rejects another host, another origin and every other method, whatever the path and the token', async () => {
  const { ask, token, port } = await serve()
  const authorization = `Bearer ${token}`
  for (const path of ['/', '/run']) {
    for (const host of [
      'evil.example',
      `evil.example:${port}`,
      '127.0.0.1',
      '127.0.0.1:1',
      `127.0.0.1.evil.example:${port}`,
    ])
      expect((await ask(path, { host, authorization })).status, host).toBe(403)
    for (const origin of ['https://evil.example', 'null', `https://127.0.0.1:${port}`, 'http://127.0.0.1:1'])
      expect((await ask(path, { origin, authorization })).status, origin).toBe(403)
    expect((await ask(path, { 'sec-fetch-site': 'cross-site', authorization })).status).toBe(403)
    expect((await ask(path, { 'sec-fetch-site': 'same-site', authorization })).status).toBe(403)
    for (const method of ['PUT', 'DELETE', 'OPTIONS'])
      expect((await ask(path, { authorization }, method)).status, method).toBe(405)
    const own = { authorization, origin: `http://127.0.0.1:${port}` }
    expect(await ask(path, own, 'POST')).toMatchObject({
      status: 405,
      body: 'This server only reads. Start it with permission to write.',
    })
  }
  expect((await ask('/run', { origin: `http://127.0.0.1:${port}`, authorization })).status).toBe(200)
  expect((await ask('/run', { host: `localhost:${port}`, authorization })).status).toBe(200)
})

test('allows its page nothing but its own script, style and requests, and lets no page of others contain it', async () => {
  const { ask } = await serve()
  const { headers, body } = await ask('/')
  expect(headers['content-security-policy']).toMatch(
    /^default-src 'none'; script-src 'sha256-[\w+/=]+'; style-src 'sha256-[\w+/=]+'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
  )
  expect(headers).toMatchObject({
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
  })
  expect(headers).not.toHaveProperty('access-control-allow-origin')
  expect(body).not.toContain('pose-42')
})

test('sends an unchanged run once, and a changed one again', async () => {
  let page = samplePage(3)
  const { ask, token } = await serve(async () => page)
  const authorization = `Bearer ${token}`
  const { etag } = (await ask('/run', { authorization })).headers
  if (typeof etag !== 'string') throw new Error('There is no ETag.')
  page = { ...page, readAt: page.readAt + 5000 }
  expect(await ask('/run', { authorization, 'if-none-match': etag })).toMatchObject({ status: 304, body: '' })
  page = samplePage(4)
  expect((await ask('/run', { authorization, 'if-none-match': etag })).status).toBe(200)
})

test('sends the message of Holdfast if the store cannot be read, and no other message', async () => {
  const errors = [new HoldfastError('UNAVAILABLE', 'The store does not answer.'), new Error('secret')]
  const { ask, token } = await serve(async () => {
    throw errors.shift() ?? new Error('There are no more errors.')
  })
  const authorization = `Bearer ${token}`
  expect(await ask('/run', { authorization })).toMatchObject({
    status: 503,
    body: 'The store does not answer.',
  })
  expect(await ask('/run', { authorization })).toMatchObject({
    status: 503,
    body: 'The store could not be read.',
  })
})

/** A server whose changes are noted, and the plan that they return. */
async function serveChanges(plan: () => ChangePlan = () => ({ effect: 'It changes.', steps: [] })) {
  const made: RunChange[] = []
  const changes = {
    plan: async () => plan(),
    make: async (change: RunChange) => {
      made.push(change)
    },
  }
  const served = await serveAll({ run: { ...fixedSource(), changes }, built, write: true })
  const { port, token, ask } = served
  const own = {
    authorization: `Bearer ${token}`,
    origin: `http://127.0.0.1:${port}`,
    'content-type': 'application/json',
  }
  const post = async (path: string, content: unknown, headers: Readonly<Record<string, string>> = own) =>
    ask(path, headers, 'POST', JSON.stringify(content))
  return { ...served, made, own, post }
}

test('accepts a confirmation although the undo deadline has moved', async () => {
  const store = new CheckpointStore(new MemoryBackend('mem:'), {
    mode: 'shared',
    retention: { keepLast: 1, grace: '1 d' },
  })
  onTestFinished(() => store.close())
  const keepsAll = new CheckpointStore(store.backend, { mode: 'shared' })
  for (const step of [1, 2, 3]) await keepsAll.save({ step, files: { a: Buffer.from('a') } })
  const run = sourceOf(store, { write: true, now: () => new Date() })
  const { changes } = run
  if (changes === undefined) throw new Error('The source has no changes.')
  let plans = 0
  const later = async (change: RunChange): Promise<ChangePlan> => {
    const plan = await changes.plan(change)
    if (plan.undoUntil === undefined) throw new Error('The prune cannot be undone.')
    plans += 1
    return { ...plan, undoUntil: plan.undoUntil + plans }
  }
  const served = await serveAll({ run: { ...run, changes: { ...changes, plan: later } }, built, write: true })
  const headers = {
    authorization: `Bearer ${served.token}`,
    origin: `http://127.0.0.1:${served.port}`,
    'content-type': 'application/json',
  }
  const change = { kind: 'prune' }
  const planned = await served.ask('/plan', headers, 'POST', JSON.stringify(change))
  const { digest: confirmed } = JSON.parse(planned.body) as { readonly digest: string }
  const made = await served.ask('/change', headers, 'POST', JSON.stringify({ ...change, confirmed }))
  expect(made.status).toBe(200)
  expect((await store.list()).map(({ step }) => step)).toEqual([3])
})

test('refuses a confirmed change that can no longer be undone', async () => {
  let undoUntil: number | undefined = 5
  const { made, post } = await serveChanges(() => ({ effect: 'It deletes.', steps: [], undoUntil }))
  const { digest } = JSON.parse((await post('/plan', { kind: 'prune' })).body) as { readonly digest: string }
  undoUntil = undefined
  expect((await post('/change', { kind: 'prune', confirmed: digest })).status).toBe(409)
  expect(made).toEqual([])
})

test('makes a change only after the plan of the same change was confirmed', async () => {
  const { made, post } = await serveChanges()
  const change = { kind: 'pin', step: 3, reason: 'look' }
  expect((await post('/change', change)).status).toBe(409)
  const { digest } = JSON.parse((await post('/plan', change)).body) as { readonly digest: string }
  expect((await post('/change', { ...change, step: 4, confirmed: digest })).status).toBe(409)
  expect(made).toEqual([])
  expect((await post('/change', { ...change, confirmed: digest })).status).toBe(200)
  expect(made).toEqual([change])
})

test('refuses a change whose plan differs from the one that was confirmed', async () => {
  let steps: ChangePlan['steps'] = []
  const { made, post } = await serveChanges(() => ({ effect: 'It deletes.', steps }))
  const { digest } = JSON.parse((await post('/plan', { kind: 'prune' })).body) as { readonly digest: string }
  steps = [{ step: 1, bytes: 1, because: 'old' }]
  expect(await post('/change', { kind: 'prune', confirmed: digest })).toMatchObject({
    status: 409,
    body: 'The store has changed since. Look at the change again, and confirm it.',
  })
  expect(made).toEqual([])
})

test('rejects a change without the token, from another origin, host or site, or that is no JSON', async () => {
  const { made, port, own, post } = await serveChanges()
  const { origin: _, ...withoutOrigin } = own
  const others: readonly (readonly [number, Readonly<Record<string, string>>])[] = [
    [401, { ...own, authorization: 'Bearer x' }],
    [403, withoutOrigin],
    [403, { ...own, origin: 'https://evil.example' }],
    [403, { ...own, origin: 'null' }],
    [403, { ...own, host: `evil.example:${port}`, origin: `http://evil.example:${port}` }],
    [403, { ...own, 'sec-fetch-site': 'cross-site' }],
    [403, { ...own, 'sec-fetch-site': 'none' }],
    [415, { ...own, 'content-type': 'text/plain' }],
    [415, { ...own, 'content-type': 'application/x-www-form-urlencoded' }],
  ]
  for (const path of ['/plan', '/change'])
    for (const [status, headers] of others)
      expect((await post(path, { kind: 'prune' }, headers)).status, JSON.stringify(headers)).toBe(status)
  expect(made).toEqual([])
})

test.each([
  ['nothing', ''],
  ['no object', '5'],
  ['an unknown kind', '{"kind":"delete","step":1}'],
  ['a step that is no count', '{"kind":"unpin","step":-1}'],
  ['a step as text', '{"kind":"rewind","step":"1"}'],
  ['a pin without a step', '{"kind":"pin"}'],
  ['a reason that is no text', '{"kind":"pin","step":1,"reason":5}'],
  ['a prune of one step', '{"kind":"prune","step":1}'],
])('rejects %s as a change', async (_, body) => {
  const { ask, own } = await serveChanges()
  expect(await ask('/plan', own, 'POST', body)).toMatchObject({ status: 400, body: 'This is not a change.' })
})

test('rejects a change that is too long, once it is sent, so that the page receives the answer', async () => {
  const { port, own, ask, post } = await serveChanges()
  const body = 'x'.repeat(40_000)
  const headers = { ...own, 'content-length': body.length }
  const sent = request({ host: '127.0.0.1', port, path: '/plan', method: 'POST', headers })
  let isAnswered = false
  const answered = once(sent, 'response').then(([response]) => {
    isAnswered = true
    return response as IncomingMessage
  })
  sent.write(body.slice(20_000))
  for (let turn = 0; turn < 5; turn += 1) await ask('/', own) // the server has read what was sent
  expect(isAnswered).toBe(false)
  sent.end(body.slice(0, 20_000))
  const response = await answered
  response.resume()
  expect(response.statusCode).toBe(413)
  expect(await post('/plan', { kind: 'pin', step: 1, reason: body })).toMatchObject({
    status: 413,
    body: 'The request is too long.',
  })
})

test('shows all runs and each of them, and opens a run once', async () => {
  let opened = 0
  const runs = {
    list: async () => sampleRuns(3),
    open: async (name: string) => {
      if (name !== 'pose-1') throw new HoldfastError('NOT_FOUND', `There is no run ${name}.`)
      opened += 1
      return fixedSource()
    },
  }
  const { ask, token } = await serveAll({ runs, built })
  const authorization = `Bearer ${token}`
  expect(JSON.parse((await ask('/runs', { authorization })).body)).toMatchObject({
    prefix: 's3://bucket/runs',
  })
  for (let times = 0; times < 2; times += 1)
    expect((await ask('/run?run=pose-1', { authorization })).status).toBe(200)
  expect(opened).toBe(1)
  expect(await ask('/run?run=pose-9', { authorization })).toMatchObject({
    status: 404,
    body: 'There is no run pose-9.',
  })
  for (const path of [
    '/run',
    '/checkpoint?run=pose-1',
    '/checkpoint?run=pose-1&step=x',
    '/other?run=pose-1&step=1',
  ])
    expect((await ask(path, { authorization })).status, path).toBe(404)
})

test('opens a run once for two windows that ask at once, and again if it could not be opened', async () => {
  let opened = 0
  const runs = {
    list: async () => sampleRuns(3),
    open: async () => {
      opened += 1
      if (opened === 1) throw new HoldfastError('UNAVAILABLE', 'The store does not answer.')
      return fixedSource()
    },
  }
  const { ask, token } = await serveAll({ runs, built })
  const headers = { authorization: `Bearer ${token}` }
  expect((await ask('/run?run=a', headers)).status).toBe(503)
  await Promise.all([ask('/run?run=a', headers), ask('/run?run=a', headers)])
  expect(opened).toBe(2)
})

test('opens a run again after a source that throws at once', async () => {
  let opened = 0
  const runs = {
    list: async () => sampleRuns(3),
    open: (): Promise<RunSource> => {
      opened += 1
      if (opened === 1) throw new HoldfastError('UNAVAILABLE', 'The store does not answer.')
      return Promise.resolve(fixedSource())
    },
  }
  const { ask, token } = await serveAll({ runs, built })
  const headers = { authorization: `Bearer ${token}` }
  expect((await ask('/run?run=a', headers)).status).toBe(503)
  expect((await ask('/run?run=a', headers)).status).toBe(200)
})

test('shows the reason of an error without the remedy for programs, or in the words of its caller', async () => {
  const read = async (): Promise<RunPage> => {
    throw new HoldfastError('CORRUPT', 'The catalog is damaged.', { hint: { kind: 'repair' } })
  }
  const plain = await serve(read)
  const authorization = `Bearer ${plain.token}`
  expect((await plain.ask('/run', { authorization })).body).toBe('The catalog is damaged.')
  const phrased = await serveAll({ run: fixedSource(read), built, phrase: ({ code }) => `It is ${code}.` })
  expect((await phrased.ask('/run', { authorization: `Bearer ${phrased.token}` })).body).toBe(
    'It is CORRUPT.',
  )
})

test('answers 400 to a path that is no address', async () => {
  const { ask, token } = await serve()
  expect((await ask('//', { authorization: `Bearer ${token}` })).status).toBe(400)
})

test('survives a request that ends in the middle', async () => {
  const { own, port, ask } = await serveChanges()
  const socket = connect(port, '127.0.0.1')
  const head = Object.entries({
    ...own,
    host: `127.0.0.1:${port}`,
    'content-length': '100',
    expect: '100-continue',
  })
  socket.write(`POST /plan HTTP/1.1\r\n${head.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`)
  await once(socket, 'data') // the server waits for the body
  socket.write('{"kind":')
  socket.destroy()
  expect((await ask('/')).status).toBe(200)
})

test('answers at port 80 to an address without the port', () => {
  const get = (host: string, port: number, origin?: string) =>
    refusalOf({ method: 'GET', headers: { host, ...(origin === undefined ? {} : { origin }) } }, port, false)
  expect(get('127.0.0.1', 80, 'http://127.0.0.1')).toBeUndefined()
  expect(get('localhost', 80)).toBeUndefined()
  expect(get('evil.example', 80)).toMatchObject({ status: 403 })
  expect(get('127.0.0.1', 8080)).toMatchObject({ status: 403 })
})

test('tells a browser behind a tunnel with another port which address works', async () => {
  const { ask, port } = await serve()
  expect(await ask('/', { host: '127.0.0.1:8080' })).toMatchObject({
    status: 403,
    body: `Open http://127.0.0.1:${port}. A tunnel must use the same port on both sides.`,
  })
})
