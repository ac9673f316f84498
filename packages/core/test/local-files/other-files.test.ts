import { join } from 'node:path'
import { expect, test } from 'vitest'
import { destinationAt } from '../../src/local-files/delivery/destination.ts'
import { othersToRemove, reportOthers } from '../../src/local-files/delivery/other-files.ts'
import { deliverToDirectory } from '../../src/local-files/delivery/to-directory.ts'
import { codeOf, temporaryFolder } from '../stores.ts'
import { readTree, writeTree } from '../trees.ts'
import { deliveriesOf, plain } from './deliveries.ts'
import { gated, surrounded, systemError } from './gated.ts'

function shards(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `shard-${index}`)
}

/** A destination whose folder seems to have these files. */
async function destinationOf(names: readonly string[]) {
  const entries = names.map((name) => ({ name, isDirectory: () => false }))
  const fileSystem = surrounded(async (method, _, call) => (method === 'readdir' ? entries : call()))
  return { fileSystem, destination: await destinationAt(fileSystem, await temporaryFolder(), []) }
}

test('the files of a large checkpoint do not count towards the limit of other files', async () => {
  const names = shards(100_001)
  const { fileSystem, destination } = await destinationOf([...names, 'old'])
  const others = { count: 1, names: ['old'], isComplete: true }
  expect(await reportOthers(fileSystem, destination, names)).toMatchObject(others)
  expect(await othersToRemove(fileSystem, destination, names)).toMatchObject({ entries: ['old'], others })
})

test('a count of other files stops at 10,000, and more than 100,000 are not removed', async () => {
  const { fileSystem, destination } = await destinationOf(shards(100_001))
  expect(await reportOthers(fileSystem, destination, [])).toMatchObject({ count: 10_000, isComplete: false })
  expect(await codeOf(othersToRemove(fileSystem, destination, []))).toBe('INVALID_ARGUMENT')
  expect(await othersToRemove(fileSystem, destination, ['shard-0'])).toMatchObject({
    others: { count: 100_000 },
  })
})

test.each([
  ['lstat', 'EACCES'],
  ['lstat', 'EIO'],
  ['readdir', 'EACCES'],
  ['readdir', 'EIO'],
])('a restore succeeds if %s of another folder fails with %s, and reports that', async (failing, code) => {
  const to = await temporaryFolder()
  await writeTree(to, { 'closed/old': 'old', old: 'old' })
  const fileSystem = gated((method, path) => {
    if (method === failing && path === join(to, 'closed')) throw systemError(code)
  })
  const { others } = await deliverToDirectory(to, deliveriesOf({ new: 'new' }), plain, fileSystem)
  expect(others).toMatchObject({ count: 1, names: ['old'], isComplete: false })
  expect(await readTree(to)).toMatchObject({ new: 'new' })
})
