import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

/** Returns whether a process that imports an entry point has loaded the HTTP server of Node.js. */
function loadsServer(entryPoint: string): boolean {
  const url = new URL(`../dist/${entryPoint}.js`, import.meta.url).href
  const program = `await import(${JSON.stringify(url)}); console.log(process.moduleLoadList.includes('NativeModule http'))`
  const words = ['--input-type=module', '-e', program]
  const cwd = fileURLToPath(new URL('..', import.meta.url))
  return execFileSync(process.execPath, words, { cwd, encoding: 'utf8' }).trim() === 'true'
}

test('the analysis of runs and checkpoints does not load the server of the page', () => {
  expect(loadsServer('analysis')).toBe(false)
  expect(loadsServer('index')).toBe(true)
})
