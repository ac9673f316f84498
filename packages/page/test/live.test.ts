import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { CheckpointStore, HoldfastError, MemoryBackend } from '@holdfast/core'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { readBuiltPage, type RunChange, type RunPage, servePage, sourceOf } from '../src/index.ts'
import { chromiumPath, TestBrowser } from './browser.ts'
import { fixedSource, samplePage } from './samples.ts'

const built = await readBuiltPage()
let browser: TestBrowser | undefined

/** A name that the browser resolves to this machine. */
const rebound = 'rebound.example'

beforeAll(async () => {
  browser = chromiumPath === undefined ? undefined : await TestBrowser.start({ rebound })
})

afterAll(() => browser?.[Symbol.asyncDispose]())

beforeEach(({ skip }) => {
  if (browser === undefined) skip('this machine has no Chromium')
})

function browserOrThrow(): TestBrowser {
  if (browser === undefined) throw new Error('There is no browser.')
  return browser
}

test('shows a new save without a reload, and says when the server has ended', async () => {
  await using store = new CheckpointStore(new MemoryBackend('mem:'), { mode: 'shared' })
  const server = await servePage({ run: sourceOf(store, { write: false, now: () => new Date() }), built })
  onTestFinished(() => server.close())
  const { page, faults, requests } = await browserOrThrow().open(server.url)
  await page.getByText('No checkpoint yet').waitFor()
  await store.save({ step: 7, files: { a: Buffer.from('a') }, metrics: { loss: 0.5 } })
  await page.getByRole('rowheader', { name: '7', exact: true }).waitFor()
  await page.getByRole('img', { name: /^loss by step, 1 value/ }).waitFor()
  await store.save({ step: 8, files: { a: Buffer.from('a') }, metrics: { loss: 0.4 } })
  await page.getByRole('img', { name: /^loss by step, 2 values/ }).waitFor()
  expect(faults).toEqual([])
  expect(new Set(requests)).toEqual(new Set([new URL('/run', server.url).href]))
  await server.close()
  await page.getByRole('alert').filter({ hasText: 'does not answer' }).waitFor()
  expect(await page.getByRole('rowheader', { name: '8', exact: true }).count()).toBe(1)
  await page.close()
})

test('says why the store cannot be read, and shows the run again when it can', async () => {
  let error: HoldfastError | undefined = new HoldfastError('UNAVAILABLE', 'The store does not answer.')
  const read = async (): Promise<RunPage> => {
    if (error !== undefined) throw error
    return samplePage(20)
  }
  const server = await servePage({ run: fixedSource(read), built })
  onTestFinished(() => server.close())
  const { page } = await browserOrThrow().open(server.url)
  expect(await page.getByRole('alert').textContent()).toBe('The store does not answer.')
  error = undefined
  await page.getByRole('heading', { name: 'pose-42' }).waitFor()
  expect(await page.getByRole('alert').count()).toBe(0)
  await page.close()
})

test('shows nothing of the run without the token', async () => {
  const server = await servePage({ run: fixedSource(async () => samplePage(20)), built })
  onTestFinished(() => server.close())
  const { page } = await browserOrThrow().open(new URL(server.url).origin)
  await page.getByRole('alert').filter({ hasText: 'Open the whole address' }).waitFor()
  expect(await page.getByRole('heading', { name: 'pose-42' }).count()).toBe(0)
  expect(await page.getByText('step 20').count()).toBe(0)
  await page.close()
})

test.each([
  ['of another origin', (port: number) => `http://127.0.0.1:${port}/`],
  ['whose name was rebound to this machine', (port: number) => `http://${rebound}:${port}/`],
])('lets a page %s neither read nor change the run, even with the token', async (_, addressOf) => {
  const made: RunChange[] = []
  const changes = {
    plan: async () => ({ effect: '', steps: [] }),
    make: async (change: RunChange) => {
      made.push(change)
    },
  }
  const run = { ...fixedSource(async () => samplePage(20)), changes }
  const server = await servePage({ run, built, write: true })
  const other = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html').end('<h1>another origin</h1>')
  })
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    other.close()
    await server.close()
  })
  const { port, hash } = new URL(server.url)
  const foreign = await browserOrThrow().open(addressOf((other.address() as AddressInfo).port))
  const outcomes = await foreign.page.evaluate(
    async ({ origins, authorization }) => {
      const change = JSON.stringify({ kind: 'prune' })
      const tries: readonly (readonly [string, RequestInit])[] = [
        ['/run', {}],
        ['/run', { headers: { authorization } }],
        ['/run', { mode: 'no-cors' }],
        [
          '/plan',
          { method: 'POST', body: change, headers: { authorization, 'content-type': 'application/json' } },
        ],
        ['/change', { method: 'POST', body: change, mode: 'no-cors' }],
      ]
      return Promise.all(
        origins.flatMap((origin) =>
          tries.map(async ([path, init]) => {
            try {
              const response = await fetch(`${origin}${path}`, init)
              return response.type === 'opaque' ? 'no content' : await response.text()
            } catch {
              return 'no response'
            }
          }),
        ),
      )
    },
    {
      origins: [`http://127.0.0.1:${port}`, `http://${rebound}:${port}`],
      authorization: `Bearer ${hash.slice(1)}`,
    },
  )
  expect(outcomes).toHaveLength(10)
  expect(outcomes.filter((outcome) => outcome !== 'no response' && outcome !== 'no content')).toEqual([])
  expect(made).toEqual([])
  await foreign.page.close()
})

test('refuses a page that reaches the server itself by another name', async () => {
  const server = await servePage({ run: fixedSource(async () => samplePage(20)), built })
  onTestFinished(() => server.close())
  const { port, hash } = new URL(server.url)
  const { page } = await browserOrThrow().open(`http://${rebound}:${port}/${hash}`)
  expect(await page.textContent('body')).toContain('Open http://127.0.0.1:')
  await page.close()
})
