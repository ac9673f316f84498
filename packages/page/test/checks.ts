import axe from 'axe-core'
import { expect } from 'vitest'
import type { RunPage } from '../src/index.ts'
import type { Shown } from './browser.ts'
import { hostileTexts, samplePage } from './samples.ts'

/** The violations that axe finds, by rule and element. */
async function violationsOf({ page }: Shown): Promise<readonly string[]> {
  // The policy of the page forbids other scripts, and this one comes from the test.
  await page.evaluate(axe.source)
  return page.evaluate(async () => {
    const { axe: checker } = globalThis as unknown as { readonly axe: typeof axe }
    const { passes, violations } = await checker.run()
    if (passes.length === 0) throw new Error('axe checked nothing.')
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`))
  })
}

/** A run whose every text is hostile. */
export const hostilePage: RunPage = samplePage(9, {
  reasons: hostileTexts.map((reason) => ({ reason, checkpoints: 1, bytes: 1, bytesAlone: 0 })),
  nextDrops: hostileTexts.map((because, step) => ({ step, because, bytes: 1 })),
  commits: hostileTexts.map((did) => ({ did, dropped: [1] })),
  mirror: { url: hostileTexts[0] ?? '', waiting: 1, waitingBytes: 1 },
  unfinished: [{ step: 1, size: 1000, missing: Array.from({ length: 900 }, (_, rank) => rank), since: 0 }],
  name: hostileTexts[0] ?? '',
  url: hostileTexts.at(-1) ?? '',
  quarantined: hostileTexts.map((reason, step) => ({ step, reason, at: 0 })),
  metrics: {
    steps: [1, 2, 3],
    metrics: hostileTexts.map((name) => ({ name, values: [1, null, 3], notFinite: 1 })),
    objectives: [],
    abandoned: [],
  },
  checkpoints: samplePage(9).checkpoints.map((checkpoint) => ({
    ...checkpoint,
    kept: hostileTexts,
    tags: hostileTexts,
  })),
})

/** Expects that axe finds nothing. */
export async function expectNoViolation(shown: Shown): Promise<void> {
  expect(await violationsOf(shown)).toEqual([])
}

/** Expects that a page shows without faults, requests, harm, a page wider than the window, and violations of axe. */
export async function expectNoFault(shown: Shown): Promise<void> {
  const { page, faults, requests } = shown
  const found = await page.evaluate(() => ({
    width: document.documentElement.scrollWidth - window.innerWidth,
    harmed: Object.hasOwn(globalThis, 'harmed'),
  }))
  expect({ ...found, faults, requests }).toEqual({ width: 0, harmed: false, faults: [], requests: [] })
  expect(await violationsOf(shown)).toEqual([])
}
