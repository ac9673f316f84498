import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { CheckpointStore, HoldfastError, MemoryBackend } from '@holdfast/core'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { readBuiltPage, type RunPage, servePage, sourceOf } from '../src/index.ts'
import { chromiumPath, TestBrowser } from './browser.ts'
import { fixedSource, samplePage } from './samples.ts'

const built = await readBuiltPage()
let browser: TestBrowser | undefined

beforeAll(async () => {
  browser = chromiumPath === undefined ? undefined : await TestBrowser.start()
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

test('shows nothing of the run without the token, and nothing to a page of another origin', async () => {
  const server = await servePage({ run: fixedSource(async () => samplePage(20)), built })
  const other = createServer((_, response) => {
    response.setHeader('content-type', 'text/html').end('<h1>another origin</h1>')
  })
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    other.close()
    await server.close()
  })
  const { origin, hash } = new URL(server.url)
  const { page } = await browserOrThrow().open(origin)
  await page.getByRole('alert').filter({ hasText: 'Open the whole address' }).waitFor()
  await page.close()
  const foreign = await browserOrThrow().open(`http://127.0.0.1:${(other.address() as AddressInfo).port}/`)
  const outcomes = await foreign.page.evaluate(
    async ({ url, authorization }) => {
      const tries: RequestInit[] = [
        {},
        { headers: { authorization } },
        { mode: 'no-cors' },
        { method: 'POST' },
      ]
      return Promise.all(
        tries.map(async (init) => {
          try {
            const response = await fetch(url, init)
            return response.type === 'opaque' ? 'no content' : await response.text()
          } catch {
            return 'no response'
          }
        }),
      )
    },
    { url: `${origin}/run`, authorization: `Bearer ${hash.slice(1)}` },
  )
  expect(outcomes.every((outcome) => outcome === 'no response' || outcome === 'no content')).toBe(true)
  await foreign.page.close()
})
