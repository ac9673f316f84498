import { createRequire } from 'node:module'
import type * as AdapterFs from '@holdfast/adapter-fs'
import type * as Core from '@holdfast/core'
import { isHoldfastError } from '@holdfast/core'
import { beforeAll, describe, expect, test } from 'vitest'
import { bundlers, programOf } from './support/bundlers.ts'
import { emptyFolder, runsAsHandler, savesAndRestores, suggestsAdapters } from './support/bundles.ts'
import { objectStores, savesAndRestoresLarge } from './support/object-stores.ts'

const esbuild = bundlers['esbuild, as CommonJS']

test('a program that esbuild bundled saves and restores', async () => {
  await savesAndRestores(esbuild)
})

test('a bundle without an adapter suggests the option adapters', async () => {
  await suggestsAdapters(esbuild)
})

test('a bundled handler of AWS Lambda saves without an installed package', async () => {
  await runsAsHandler(esbuild)
})

describe('a program with the adapters of all object stores that esbuild bundled', () => {
  let module = ''
  beforeAll(async () => {
    module = await esbuild(programOf('object-stores'), await emptyFolder())
  })

  // Only the published packages contain the code of the threads. bundles.long.test.ts bundles those.
  test.for(Object.entries(objectStores))(
    'saves and restores a large file in %s',
    async ([, start], { skip }) => {
      await savesAndRestoresLarge(module, start, 1, skip)
    },
  )
})

test('CommonJS requires the library and an adapter', async () => {
  const require = createRequire(import.meta.url)
  const { openStore } = require('@holdfast/core') as typeof Core
  const { adapter } = require('@holdfast/adapter-fs') as typeof AdapterFs
  expect(adapter.schemes).toEqual(['file'])
  await using store = await openStore('mem:', { config: false })
  await store.save({ step: 1, files: { 'a.bin': Buffer.from('a') } })
  expect((await store.latest())?.step).toBe(1)
  const withoutObjective = store.restore('best', { to: './nowhere' }).catch(isHoldfastError)
  expect(await withoutObjective).toBe(true)
})
