import { describe, test } from 'vitest'
import { type Bundler, bundlers } from '../src/bundlers.ts'
import { savesAndRestores, suggestsAdapters } from './bundles.ts'

describe.each<[string, Bundler]>(Object.entries(bundlers))(
  'a program that was bundled by %s',
  (name, bundle) => {
    test('saves and restores', async () => {
      await savesAndRestores(bundle)
    })

    // webpack writes the path of the module on this machine into the bundle, where adapters are found. So it looks installed.
    test.skipIf(name === 'webpack')('suggests the option adapters if it has no adapter', async () => {
      await suggestsAdapters(bundle)
    })
  },
)
