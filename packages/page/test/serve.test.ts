import { request } from 'node:http'
import { HoldfastError } from '@holdfast/core'
import { expect, onTestFinished, test } from 'vitest'
import { type RunPage, servePage } from '../src/index.ts'
import { samplePage } from './samples.ts'

const built = { script: 'console.log(1)', style: 'p{}' }

interface Answer {
  readonly status: number | undefined
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: string
}

interface Served {
  readonly port: number
  readonly token: string
  readonly ask: (path: string, headers?: Readonly<Record<string, string>>, method?: string) => Promise<Answer>
}

async function serve(read: () => Promise<RunPage> = async () => samplePage(3)): Promise<Served> {
  const server = await servePage({ read, built })
  onTestFinished(() => server.close())
  const { port, hash } = new URL(server.url)
  const ask: Served['ask'] = async (path, headers = {}, method = 'GET') =>
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
      sent.end()
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
  expect((await ask(`/run?token=${token}`)).status).toBe(404)
  expect(token).toMatch(/^[\w-]{43}$/)
})

test('rejects another host, another origin and every method but GET, whatever the path and the token', async () => {
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
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'])
      expect((await ask(path, { authorization }, method)).status, method).toBe(405)
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
