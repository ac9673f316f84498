/// <reference lib="dom" />

import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { readBuiltPage, reportOf, type RunPage } from '@holdfast/page'
import { type Browser, chromium, type Page } from 'playwright-core'
import type { Bench } from '../harness/bench.ts'
import { run } from '../harness/command.ts'

const steps = { full: 100_000, quick: 1000 }

/** Number of clicks on the button that zooms in. */
const zooms = 5

const browserPath = [process.env['HOLDFAST_CHROMIUM'], '/usr/bin/chromium', '/usr/bin/google-chrome'].find(
  (path) => path !== undefined && existsSync(path),
)

/** Measures the page of a long run in a browser. */
export async function page(bench: Bench): Promise<void> {
  if (browserPath === undefined) {
    bench.leaveOut('page', 'this machine has no Chromium')
    return
  }
  await run(process.execPath, [fileURLToPath(new URL('../../../scripts/build-page.ts', import.meta.url))])
  const count = bench.scale.quick ? steps.quick : steps.full
  const file = join(bench.folder, 'run.html')
  await writeFile(file, reportOf(runOf(count), await readBuiltPage()))
  await using browser = await chromium.launch({
    executablePath: browserPath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
  })
  const what = `the page of ${count.toLocaleString('en')} steps`
  await measureOn(bench, browser, file, { name: `Show ${what}`, limit: 1500, measured: shownAfter })
  // The frame itself waits for the screen, up to 17 ms.
  await measureOn(bench, browser, file, {
    name: `Longest stall while ${what} is zoomed`,
    limit: 50 + 17,
    measured: longestStall,
  })
}

interface Measured {
  readonly name: string
  /** Milliseconds. */
  readonly limit: number
  readonly measured: (page: Page) => Promise<number>
}

async function measureOn(
  bench: Bench,
  browser: Browser,
  file: string,
  { name, limit, measured }: Measured,
): Promise<void> {
  const [of, faults]: [string, string[]] = ['Holdfast', []]
  await bench.measure({
    name,
    contenders: [
      {
        name: of,
        run: async () => {
          const opened = await browser.newPage({ viewport: { width: 1280, height: 900 } })
          opened.on('pageerror', (error) => faults.push(error.message))
          await opened.goto(pathToFileURL(file).href)
          await opened.waitForFunction(() => performance.getEntriesByName('shown').length > 0)
          const value = await measured(opened)
          await opened.close()
          return value
        },
        verify: async () => {
          if (faults.length > 0) throw new Error(`The page reported errors: ${faults.join()}`)
        },
      },
    ],
    bounds: [{ text: 'milliseconds', of, limit }],
  })
}

/** Returns the milliseconds from the request of the page to the moment at which all of it is shown. */
function shownAfter(opened: Page): Promise<number> {
  return opened.evaluate(() => performance.getEntriesByName('shown')[0]?.startTime ?? Infinity)
}

/** Returns the longest time in milliseconds from a click to the next frame. */
function longestStall(opened: Page): Promise<number> {
  return opened.evaluate(async (clicks) => {
    const button = document.querySelector<HTMLButtonElement>('button[aria-label="Zoom in"]')
    if (button === null) throw new Error('The page has no button that zooms in')
    let longest = 0
    for (let done = 0; done < clicks; done += 1) {
      const began = performance.now()
      button.click()
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 0)))
      longest = Math.max(longest, performance.now() - began)
    }
    return longest
  }, zooms)
}

/** A run whose loss falls, with a checkpoint at each thousandth step. */
function runOf(count: number): RunPage {
  const all = Array.from({ length: count }, (_, step) => step)
  const values = all.map((step) => Math.exp((-4 * step) / count) + 0.05 * Math.sin(step * 12.9898))
  const every = Math.ceil(count / 100)
  const readAt = Date.UTC(2026, 0, 5)
  return {
    name: 'long',
    url: 's3://bucket/runs/long',
    readAt,
    checkpoints: all
      .filter((step) => step % every === 0)
      .map((step) => ({ step, files: 1, bytes: 5e8, savedAt: readAt - (count - step) * 60_000 })),
    quarantined: [],
    abandoned: [],
    nextDrops: [],
    commits: [],
    unfinished: [],
    metrics: {
      steps: all,
      metrics: ['train_loss', 'val_loss'].map((name) => ({ name, values, notFinite: 0 })),
      objectives: [{ name: 'loss', values, notFinite: 0 }],
      abandoned: [],
    },
    hasRetention: false,
    reasons: [],
  }
}
