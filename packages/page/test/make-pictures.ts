/** Makes the picture of docs/page.md: `node packages/page/test/make-pictures.ts`, after the page is built. */
import { fileURLToPath } from 'node:url'
import { readBuiltPage, reportOf } from '../src/index.ts'
import { TestBrowser } from './browser.ts'
import { samplePage } from './samples.ts'

await using browser = await TestBrowser.start()
const { page } = await browser.show(reportOf(samplePage(1000), await readBuiltPage()), { height: 1180 })
await page.screenshot({ path: fileURLToPath(new URL('../../../docs/page.png', import.meta.url)) })
