import { expect, test } from 'vitest'
import { readBuiltPage, reportOf } from '../src/index.ts'
import { chromiumPath, TestBrowser } from './browser.ts'
import { samplePage } from './samples.ts'

test('shows 100,000 steps with no more elements than 1,000 steps, and zooms into them', async ({ skip }) => {
  if (chromiumPath === undefined) skip('this machine has no Chromium')
  await using browser = await TestBrowser.start()
  const built = await readBuiltPage()
  const shown = async (steps: number) => {
    const { page, faults } = await browser.show(reportOf(samplePage(steps), built))
    await page.waitForFunction(() => performance.getEntriesByName('shown').length > 0)
    const elements = await page.evaluate(() => document.querySelectorAll('*').length)
    return { page, faults, elements }
  }
  const few = await shown(1000)
  const many = await shown(100_000)
  expect(many.elements).toBeLessThanOrEqual(few.elements)
  const before = await many.page.locator('canvas').first().screenshot()
  await many.page.locator('button[aria-label="Zoom in"]').first().click()
  await many.page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)))
  const zoomed = await many.page.locator('canvas').first().screenshot()
  expect(zoomed.equals(before)).toBe(false)
  expect(many.faults).toEqual([])
})
