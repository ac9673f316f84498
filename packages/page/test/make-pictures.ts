/**
 * Makes the pictures of README.md and docs/page.md, each light and dark: `node packages/page/test/make-pictures.ts`, after the
 * page is built.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readBuiltPage, servePage } from '../src/index.ts'
import { TestBrowser } from './browser.ts'
import { fixedSource, sampleCheckpoint, samplePage, sampleRuns } from './samples.ts'

const folder = fileURLToPath(new URL('../../../docs/pictures', import.meta.url))
const themes = ['light', 'dark'] as const

/** A picture: which part of the server it shows, and the text that is there once it is complete. */
interface Picture {
  readonly name: string
  readonly place: string
  readonly complete: string
  readonly height: number
}

const pictures: readonly Picture[] = [
  { name: 'runs', place: '', complete: 'Runs', height: 640 },
  { name: 'run', place: '?run=pose-42', complete: 'Saves and restores', height: 1080 },
  { name: 'checkpoint', place: '?run=pose-42&checkpoint=900&with=800', complete: 'Tensors of', height: 1080 },
]

await mkdir(folder, { recursive: true })
const run = { ...fixedSource(async () => samplePage(1000)), ...sampleCheckpoint() }
const runs = { list: async () => sampleRuns(43), open: async () => run }
await using server = await servePage({ runs, built: await readBuiltPage() })
await using browser = await TestBrowser.start()
for (const { name, place, complete, height } of pictures) {
  for (const colorScheme of themes) {
    const { page } = await browser.open(`${server.url}${place}`, { colorScheme, width: 1180, height })
    await page.getByText(complete).first().waitFor()
    await page.screenshot({ path: join(folder, `${name}-${colorScheme}.png`) })
    await page.close()
  }
}
