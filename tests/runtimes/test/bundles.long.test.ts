import { cp, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { beforeAll, describe, test } from 'vitest'
import { type Bundler, bundlers } from '../src/bundlers.ts'
import { installPacked } from '../src/packed.ts'
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

describe('a program with the packages as npm installs them', () => {
  let project = ''
  beforeAll(async () => {
    project = await mkdtemp(join(tmpdir(), 'holdfast-project-'))
    await installPacked(project, ['core', 'adapter-fs'])
  })

  test.each<[string, Bundler]>(Object.entries(bundlers))(
    'saves and restores if %s bundled it',
    async (_, bundle) => {
      await savesAndRestores(async (entry, folder) => {
        const program = join(project, basename(entry))
        await cp(entry, program)
        return bundle(program, folder)
      })
    },
  )
})
