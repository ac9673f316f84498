import { join } from 'node:path'
import { expect, test } from 'vitest'
import { deliverToDirectory } from '../../src/local-files/delivery/to-directory.ts'
import { temporaryFolder } from '../stores.ts'
import { readTree, writeTree } from '../trees.ts'
import { deliveriesOf, plain } from './deliveries.ts'
import { gated } from './gated.ts'

/** Returns how often a restore of `files` files looks at a path. Each look is a call of the thread pool. */
async function looksOf(files: number, before: Readonly<Record<string, string>> = {}): Promise<number> {
  const to = join(await temporaryFolder(), 'to')
  await writeTree(to, before)
  let looks = 0
  const fileSystem = gated((method) => {
    if (method === 'lstat' || method === 'stat') looks += 1
  })
  const texts = Object.fromEntries(
    Array.from({ length: files }, (_, index) => [`new/${index}`, `text ${index}`]),
  )
  await deliverToDirectory(to, deliveriesOf(texts), plain, fileSystem)
  expect(await readTree(to)).toEqual({ ...before, ...texts })
  return looks
}

test('a restore into a new folder looks at each file once, when it is in place', async () => {
  expect((await looksOf(30)) - (await looksOf(10))).toBe(20)
})

test('a restore into a folder that exists also looks at what each file would replace', async () => {
  const before = { 'new/other': 'other' }
  expect((await looksOf(30, before)) - (await looksOf(10, before))).toBe(4 * 20)
})
