import { spawnSync } from 'node:child_process'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inCi } from '@holdfast/test-servers'
import { beforeAll, expect, test, type TestContext } from 'vitest'
import { installedNode20 } from './support/old-node.ts'
import { installPacked } from './support/packed.ts'

const sentence =
  /^Holdfast needs Node\.js 22\.18 or newer, and this is Node\.js 20\.[\d.]+\. Install a newer one from https:\/\/nodejs\.org\.\n$/

let node: string | undefined
let missing = ''
let folder = ''

beforeAll(async () => {
  try {
    node = await installedNode20()
  } catch (error) {
    if (inCi(process.env)) throw error
    missing = `Node.js 20 could not be installed: ${error instanceof Error ? error.message : String(error)}`
    return
  }
  folder = await mkdtemp(join(tmpdir(), 'holdfast-old-node-'))
  await installPacked(folder, ['core', 'adapter-fs', 'watch', 'page', 'cli'])
}, 3_600_000)

/** Runs words on Node.js 20, or skips the test. */
function onNode20(skip: TestContext['skip'], ...words: readonly string[]) {
  if (node === undefined) return skip(missing)
  return spawnSync(node, words, { cwd: folder, encoding: 'utf8' })
}

test('the published command line refuses Node.js 20 with one sentence', ({ skip }) => {
  const { status, stdout, stderr } = onNode20(
    skip,
    join('node_modules', 'holdfast', 'bundle', 'main.js'),
    'ls',
  )
  expect(stderr).toMatch(/^holdfast: /)
  expect(stderr.replace('holdfast: ', '')).toMatch(sentence)
  expect([status, stdout]).toEqual([2, ''])
})

test.for([
  '@holdfast/core',
  '@holdfast/core/backend',
  '@holdfast/core/connections',
  '@holdfast/core/data',
  '@holdfast/adapter-fs',
])('an import of the published %s refuses Node.js 20 with one sentence', (entryPoint, { skip }) => {
  const { status, stderr } = onNode20(skip, '--input-type=module', '--eval', `await import('${entryPoint}')`)
  expect(stderr).toMatch(sentence)
  expect(status).toBe(2)
})
