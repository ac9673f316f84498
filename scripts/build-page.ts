/**
 * Builds the script and the style sheet of the page from `packages/page/app` into `packages/page/built`. Replaces each
 * file in one step, because several test runs may build at once.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import { root } from './parts/checkout.ts'
import { licenseText } from './parts/licenses.ts'

const page = join(root, 'packages/page')

const bundle = await rolldown({
  input: join(page, 'app/main.tsx'),
  platform: 'browser',
  transform: { target: 'es2022' },
})
const { output } = await bundle.generate({ format: 'esm', minify: true })
await bundle.close()
const [{ code }] = output
const chart = createRequire(join(page, 'package.json')).resolve('uplot/dist/uPlot.min.css')
const style = `${readFileSync(chart, 'utf8')}\n${readFileSync(join(page, 'app/page.css'), 'utf8')}`
const licenses = ['preact', 'uplot'].map((name) => licenseText(join(page, 'node_modules', name)))
mkdirSync(join(page, 'built'), { recursive: true })
// In HTML, a script ends at the first such tag, also inside of a string.
replace('page.js', code.replaceAll('</script', '<\\/script'))
replace('page.css', style)
replace('LICENSES.txt', licenses.join('\n'))

function replace(name: string, content: string): void {
  const path = join(page, 'built', name)
  const temporary = `${path}.${process.pid}`
  writeFileSync(temporary, content)
  renameSync(temporary, path)
}
