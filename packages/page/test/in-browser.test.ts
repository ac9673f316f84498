import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { readBuiltPage, reportOf, type RunPage } from '../src/index.ts'
import { chromiumPath, type Shown, type ShowOptions, TestBrowser } from './browser.ts'
import { expectNoFault, hostilePage } from './checks.ts'
import { samplePage } from './samples.ts'

const built = await readBuiltPage()
let browser: TestBrowser | undefined

beforeAll(async () => {
  browser = chromiumPath === undefined ? undefined : await TestBrowser.start()
})

afterAll(() => browser?.[Symbol.asyncDispose]())

beforeEach(({ skip }) => {
  if (browser === undefined) skip('this machine has no Chromium')
})

async function show(content: RunPage | string, options?: ShowOptions): Promise<Shown> {
  if (browser === undefined) throw new Error('There is no browser.')
  return browser.show(typeof content === 'string' ? content : reportOf(content, built), options)
}

describe('the report in a browser', () => {
  test('shows a run without faults, requests or violations of axe', async () => {
    const shown = await show(samplePage(500))
    await expectNoFault(shown)
    await shown.page.close()
  })

  test('shows hostile texts on a phone in the dark as they are', async () => {
    const shown = await show(hostilePage, { width: 360, height: 740, colorScheme: 'dark' })
    await expectNoFault(shown)
    await shown.page.close()
  })

  test('says that a file which was cut short is damaged', async () => {
    const html = reportOf(samplePage(500), built)
    const { page } = await show(html.replace(/(id="data">.{500})[^<]*/, '$1'))
    expect(await page.getByRole('alert').textContent()).toContain('damaged or cut short')
    await page.close()
  })

  test('zooms, smooths, sorts, searches and turns pages with the keyboard alone', async () => {
    const { page, faults } = await show(samplePage(500))
    const press = async (name: string, key = 'Enter'): Promise<void> => {
      for (let presses = 0; presses < 60; presses += 1) {
        await page.keyboard.press('Tab')
        const label = await page.evaluate(() => {
          const { activeElement: active } = document
          return (
            active?.getAttribute('aria-label') ??
            active?.closest('label')?.textContent ??
            active?.textContent ??
            ''
          )
        })
        if (label.trim().startsWith(name)) return page.keyboard.press(key)
      }
      throw new Error(`The key Tab does not reach ${name}.`)
    }
    await press('Smoothing', 'End')
    await press('Zoom in')
    expect(await page.getByText(/^steps \d+ to \d+$/).textContent()).toBe('steps 124 to 375')
    await press('All steps')
    expect(await page.getByText(/^steps \d+ to \d+$/).textContent()).toBe('steps 0 to 499')
    await press('val_pck', 'Space')
    expect(await page.getByText('2 of 3 curves').count()).toBe(1)
    await press('Search steps', 'Space')
    await page.keyboard.type('release')
    expect(await page.getByText('4 of 100 checkpoints').count()).toBe(1)
    for (let letter = 0; letter < 8; letter += 1) await page.keyboard.press('Backspace')
    await press('val_loss')
    expect(await page.locator('th[aria-sort=descending]').textContent()).toContain('val_loss')
    await press('Next')
    expect(await page.getByText('2 of 2').count()).toBe(1)
    expect(faults).toEqual([])
    await page.close()
  })
})
