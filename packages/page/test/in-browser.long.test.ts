import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { readBuiltPage, reportOf, type RunPage } from '../src/index.ts'
import { chromiumPath, type Shown, type ShowOptions, TestBrowser } from './browser.ts'
import { expectNoFault, hostilePage } from './checks.ts'
import { samplePage, troubledPage } from './samples.ts'

const built = await readBuiltPage()
let browser: TestBrowser | undefined

beforeAll(async () => {
  browser = chromiumPath === undefined ? undefined : await TestBrowser.start()
})

afterAll(() => browser?.[Symbol.asyncDispose]())

beforeEach(({ skip }) => {
  if (browser === undefined) skip('this machine has no Chromium')
})

async function show(content: RunPage, options?: ShowOptions): Promise<Shown> {
  if (browser === undefined) throw new Error('There is no browser.')
  return browser.show(reportOf(content, built), options)
}

const states: readonly (readonly [string, RunPage, ShowOptions])[] = [
  ['a run in the dark', samplePage(500), { colorScheme: 'dark' }],
  ['a run on a phone', samplePage(500), { width: 360, height: 740 }],
  ['an empty run', samplePage(0, { checkpoints: [], hasRetention: false }), {}],
  [
    'a run without metrics',
    samplePage(50, { metrics: { steps: [], metrics: [], objectives: [], abandoned: [] } }),
    {},
  ],
  ['a run with hostile texts', hostilePage, {}],
  ['a run that needs attention', troubledPage(), {}],
  ['a run that needs attention on a phone', troubledPage(), { width: 360, height: 740, colorScheme: 'dark' }],
]

describe('the report in a browser', () => {
  test.each(states)('shows %s without faults, requests or violations of axe', async (_, content, options) => {
    const shown = await show(content, options)
    await expectNoFault(shown)
    await shown.page.close()
  })

  test('zooms when the mouse is dragged across a curve', async () => {
    const { page } = await show(samplePage(500))
    const box = await page.locator('.u-over').first().boundingBox()
    if (box === null) throw new Error('The curve is not shown.')
    await page.mouse.move(box.x + box.width / 4, box.y + 50)
    await page.mouse.down()
    await page.mouse.move(box.x + box.width / 2, box.y + 60)
    await page.mouse.up()
    const [, from = '', to = ''] =
      /^steps (\d+) to (\d+)$/.exec((await page.locator('output').first().textContent()) ?? '') ?? []
    expect(Number(from)).toBeCloseTo(125, -1)
    expect(Number(to)).toBeCloseTo(250, -1)
    await page.close()
  })
})
