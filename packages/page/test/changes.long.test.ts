import { CheckpointStore, HoldfastError, MemoryBackend } from '@holdfast/core'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { type ChangePlan, readBuiltPage, servePage, type ServeOptions, sourceOf } from '../src/index.ts'
import { chromiumPath, type Shown, type ShowOptions, TestBrowser } from './browser.ts'
import { expectNoFault, expectNoViolation } from './checks.ts'
import { fixedSource, hostileTexts, samplePage, sampleRuns } from './samples.ts'

const built = await readBuiltPage()
let browser: TestBrowser | undefined

beforeAll(async () => {
  browser = chromiumPath === undefined ? undefined : await TestBrowser.start()
})

afterAll(() => browser?.[Symbol.asyncDispose]())

beforeEach(({ skip }) => {
  if (browser === undefined) skip('this machine has no Chromium')
})

async function open(
  options: Omit<ServeOptions, 'built'> & ServeOptions,
  place = '',
  show?: ShowOptions,
): Promise<Shown & { readonly url: string }> {
  if (browser === undefined) throw new Error('There is no browser.')
  const server = await servePage(options)
  onTestFinished(() => server.close())
  const shown = await browser.open(`${server.url}${place}`, show)
  onTestFinished(() => shown.page.close())
  return { ...shown, url: server.url }
}

/** A store with four checkpoints of hostile names and texts. */
async function hostileStore(): Promise<CheckpointStore> {
  const store = new CheckpointStore(new MemoryBackend('mem:'), { mode: 'shared', retention: { keepLast: 3 } })
  onTestFinished(() => store.close())
  const [script = '', ...others] = hostileTexts.slice(0, 6)
  for (const step of [1, 2, 3])
    await store.save({
      step,
      files: { '<b>bold</b>': Buffer.from(String(step)), ['\u202egnp.exe']: Buffer.from('x') },
      metrics: { [script]: 1 / step },
      tags: others.map((text) => `${text} ${step}`),
      metadata: { text: hostileTexts.join(' '), many: 'y'.repeat(10_000_000) },
    })
  return store
}

const sizes: readonly (readonly [string, ShowOptions])[] = [
  ['a screen', {}],
  ['a phone in the dark', { width: 360, height: 740, colorScheme: 'dark' }],
]

test.each(sizes)('shows hostile checkpoints and their difference without harm on %s', async (_, size) => {
  const store = await hostileStore()
  const run = sourceOf(store, { write: true, now: () => new Date() })
  const shown = await open({ run, built, write: true }, '?checkpoint=3&with=2', size)
  await shown.page
    .getByRole('heading', { name: 'Metadata that differ' })
    .or(shown.page.getByText('Tags that differ'))
    .first()
    .waitFor()
  await shown.page
    .getByText(/character more|characters more/)
    .first()
    .waitFor()
  await expectNoFault({ ...shown, requests: [] })
})

test.each(sizes)('shows all runs without faults or violations of axe on %s', async (_, size) => {
  const page = sampleRuns(150)
  const [first, ...others] = page.runs
  if (first === undefined) throw new Error('The sample has no run.')
  const named = hostileTexts.map((name) => ({ ...first, name }))
  const runs = {
    list: async () => ({ ...page, runs: [...named, ...others] }),
    open: async () => fixedSource(),
  }
  const shown = await open({ runs, built }, '', size)
  await shown.page.getByRole('heading', { name: 'Runs', exact: true }).waitFor()
  await expectNoFault({ ...shown, requests: [] })
})

test('filters and sorts runs, opens one and returns, with the keyboard alone', async () => {
  const runs = {
    list: async () => sampleRuns(150),
    open: async () => fixedSource(async () => samplePage(50)),
  }
  const { page, faults } = await open({ runs, built })
  const press = async (name: string, key = 'Enter'): Promise<void> => {
    for (let presses = 0; presses < 40; presses += 1) {
      await page.keyboard.press('Tab')
      const label = await page.evaluate(() => {
        const { activeElement: active } = document
        return active?.closest('label')?.textContent ?? active?.textContent ?? ''
      })
      if (label.trim().startsWith(name)) return page.keyboard.press(key)
    }
    throw new Error(`The key Tab does not reach ${name}.`)
  }
  await page.getByText('150 runs').waitFor()
  await press('damaged', 'Space')
  await page.getByText('8 of 150 runs').waitFor()
  await page.keyboard.press('Space')
  await press('best loss')
  expect(await page.locator('th[aria-sort=descending]').textContent()).toContain('best loss')
  await press('pose-')
  await page.getByRole('heading', { name: 'pose-42' }).waitFor()
  await press('← All runs')
  await page.getByText('150 runs').waitFor()
  await page.goBack()
  await page.getByRole('heading', { name: 'pose-42' }).waitFor()
  expect(faults).toEqual([])
})

test('pins, rewinds and prunes after a confirmation, with the keyboard alone, and does nothing without one', async () => {
  const store = await hostileStore()
  const run = sourceOf(store, { write: true, now: () => new Date() })
  const shown = await open({ run, built, write: true }, '?checkpoint=2')
  const { page, faults } = shown
  const pinned = async (): Promise<readonly (string | undefined)[]> =>
    (await store.list()).flatMap((each) => (each.pinned === undefined ? [] : [each.pinned.reason]))
  await page.getByLabel('Reason').focus()
  await page.keyboard.type('look')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await page.getByText('Step 2 is kept until it is unpinned.').waitFor()
  await expectNoViolation(shown)
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'hidden' })
  expect(await pinned()).toEqual([])
  await page.getByRole('button', { name: 'Pin …' }).press('Enter')
  await page.getByRole('dialog').getByRole('button', { name: 'Pin' }).press('Enter')
  await page.getByText('pinned: look').waitFor()
  expect(await pinned()).toEqual(['look'])
  await page.getByRole('button', { name: 'Rewind to this step …' }).press('Enter')
  await page.getByText('step 3,').waitFor()
  await page.getByRole('dialog').getByRole('button', { name: 'Rewind to this step' }).press('Enter')
  await page.getByRole('dialog').waitFor({ state: 'hidden' })
  expect((await store.latest())?.step).toBe(2)
  expect(faults).toEqual([])
})

test('prunes after a confirmation, and says until when that can be undone', async () => {
  const backend = new MemoryBackend('mem:')
  const keepsAll = new CheckpointStore(backend, { mode: 'shared' })
  for (const step of [1, 2, 3]) await keepsAll.save({ step, files: { a: Buffer.from('a') } })
  const store = new CheckpointStore(backend, { mode: 'shared', retention: { keepLast: 1, grace: '1 d' } })
  onTestFinished(() => store.close())
  const run = sourceOf(store, { write: true, now: () => new Date() })
  const { page } = await open({ run, built, write: true })
  await page.getByRole('button', { name: 'Prune now …' }).click()
  await page.getByText('holdfast undo can restore them').waitFor()
  await page.getByRole('dialog').getByRole('button', { name: 'Prune now' }).click()
  await page.getByRole('dialog').waitFor({ state: 'hidden' })
  expect((await store.list()).map(({ step }) => step)).toEqual([3])
})

test('keeps a dialog closed that was cancelled before its plan arrived', async () => {
  const plans: ((plan: ChangePlan) => void)[] = []
  const changes = {
    plan: async () => new Promise<ChangePlan>((resolve) => plans.push(resolve)),
    make: async () => undefined,
  }
  const run = { ...sourceOf(await hostileStore(), { write: false, now: () => new Date() }), changes }
  const { page } = await open({ run, built, write: true }, '?checkpoint=2')
  const button = page.getByRole('button', { name: 'Rewind to this step …' })
  await button.click()
  await page.getByText('Looking at what it would do').waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'hidden' })
  await expect.poll(() => plans.length).toBe(1)
  plans[0]?.({ effect: 'The first plan.', steps: [] })
  await button.click()
  await expect.poll(() => plans.length).toBe(2)
  expect(await page.getByText('The first plan.').count()).toBe(0)
  plans[1]?.({ effect: 'The second plan.', steps: [] })
  await page.getByText('The second plan.').waitFor()
})

test('shows why a change was refused after its dialog was closed with Escape', async () => {
  const answer = Promise.withResolvers<undefined>()
  const changes = {
    plan: async (): Promise<ChangePlan> => ({ effect: 'The plan.', steps: [] }),
    make: async () => answer.promise,
  }
  const run = { ...sourceOf(await hostileStore(), { write: false, now: () => new Date() }), changes }
  const { page } = await open({ run, built, write: true }, '?checkpoint=2')
  await page.getByRole('button', { name: 'Rewind to this step …' }).click()
  await page.getByText('The plan.').waitFor()
  await page.getByRole('dialog').getByRole('button', { name: 'Rewind to this step' }).click()
  await page.getByText('Changing …').waitFor()
  // Chromium lets a page prevent only some of them.
  const isOpenAfterEscape = async (): Promise<boolean> => {
    await page.keyboard.press('Escape')
    return page.getByRole('dialog').isVisible()
  }
  await expect.poll(isOpenAfterEscape, { timeout: 30_000 }).toBe(false)
  answer.reject(new HoldfastError('UNAVAILABLE', 'The store is away.'))
  await page.getByText('The store is away.').waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'hidden' })
  await page.getByRole('button', { name: 'Rewind to this step …' }).click()
  await page.getByText('The plan.').waitFor()
})

test('refuses a confirmed change if the store has changed since, and says so', async () => {
  const store = await hostileStore()
  const run = sourceOf(store, { write: true, now: () => new Date() })
  const { page } = await open({ run, built, write: true }, '?checkpoint=2')
  await page.getByRole('button', { name: 'Rewind to this step …' }).click()
  await page.getByText('step 3,').waitFor()
  await store.save({ step: 4, files: { a: Buffer.from('a') } })
  await page.getByRole('dialog').getByRole('button', { name: 'Rewind to this step' }).click()
  expect(await page.getByRole('alert').textContent()).toContain('The store has changed since.')
  expect((await store.latest())?.step).toBe(4)
})

test('has no buttons that change a run without permission to write', async () => {
  const store = await hostileStore()
  const { page } = await open(
    { run: sourceOf(store, { write: false, now: () => new Date() }), built },
    '?checkpoint=2',
  )
  await page.getByRole('button', { name: 'Compare' }).waitFor()
  expect(await page.getByRole('button', { name: /Pin|Rewind/ }).count()).toBe(0)
})
