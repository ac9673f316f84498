import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'

const { HOLDFAST_CHROMIUM } = process.env

/** The Chromium of this machine; `undefined` if it has none. `HOLDFAST_CHROMIUM` names another one. */
export const chromiumPath = [HOLDFAST_CHROMIUM ?? '', '/usr/bin/chromium', '/usr/bin/google-chrome'].find(
  (path) => path !== '' && existsSync(path),
)

/** A page that shows a file, and what happened while it did. */
export interface Shown {
  readonly page: Page
  /** Requests other than that of the page itself. */
  readonly requests: readonly string[]
  /** Exceptions and errors on the console. */
  readonly faults: readonly string[]
}

export interface ShowOptions {
  readonly colorScheme?: 'light' | 'dark'
  readonly width?: number
  readonly height?: number
}

export interface BrowserOptions {
  /** Resolves this name to this machine, as DNS rebinding does. */
  readonly rebound?: string
}

/** One browser for the tests of a file. */
export class TestBrowser implements AsyncDisposable {
  readonly #browser: Browser
  readonly #folder: string
  #files = 0

  static async start({ rebound }: BrowserOptions = {}): Promise<TestBrowser> {
    if (chromiumPath === undefined) throw new Error('There is no Chromium on this machine.')
    const browser = await chromium.launch({
      executablePath: chromiumPath,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-background-networking',
        '--disable-component-update',
        ...(rebound === undefined ? [] : [`--host-resolver-rules=MAP ${rebound} 127.0.0.1`]),
      ],
    })
    return new TestBrowser(browser, await mkdtemp(join(tmpdir(), 'holdfast-page-')))
  }

  private constructor(browser: Browser, folder: string) {
    this.#browser = browser
    this.#folder = folder
  }

  /** Opens HTML as a file, and waits until it is shown. */
  async show(html: string, options: ShowOptions = {}): Promise<Shown> {
    this.#files += 1
    const file = join(this.#folder, `${this.#files}.html`)
    await writeFile(file, html)
    const shown = await this.open(pathToFileURL(file).href, options)
    await shown.page.locator('main h1').waitFor()
    await shown.page.waitForFunction(() => !document.body.innerText.includes('Reading the run'))
    return shown
  }

  /** Opens an address. */
  async open(
    url: string,
    { colorScheme = 'light', width = 1280, height = 900 }: ShowOptions = {},
  ): Promise<Shown> {
    const page = await this.#browser.newPage({ colorScheme, viewport: { width, height } })
    const requests: string[] = []
    const faults: string[] = []
    page.on('request', (request) => {
      if (!request.isNavigationRequest()) requests.push(request.url())
    })
    page.on('pageerror', (error) => faults.push(error.message))
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text())
    })
    await page.goto(url)
    return { page, requests, faults }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close()
    await rm(this.#folder, { recursive: true })
  }
}
