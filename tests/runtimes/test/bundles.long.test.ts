import { cp, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { beforeAll, describe, test } from 'vitest'
import { type Bundler, bundlers, programOf } from './support/bundlers.ts'
import { installPacked } from './support/packed.ts'
import { emptyFolder, savesAndRestores, suggestsAdapters } from './support/bundles.ts'
import { objectStores, savesAndRestoresLarge } from './support/object-stores.ts'

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

describe.each(['esbuild, as CommonJS', 'esbuild, as an ES module'] as const)(
  'a program with the adapters of all object stores as npm installs them that %s bundled',
  (name) => {
    let module = ''
    beforeAll(async () => {
      const project = await mkdtemp(join(tmpdir(), 'holdfast-project-'))
      await installPacked(project, ['core', 'adapter-s3', 'adapter-gcs', 'adapter-azure'])
      const program = join(project, 'main.js')
      await cp(programOf('object-stores'), program)
      module = await bundlers[name](program, await emptyFolder())
    })

    test.for(Object.entries(objectStores))(
      'saves and restores a large file in %s, with threads',
      async ([, start], { skip }) => {
        await savesAndRestoresLarge(module, start, 2, skip)
      },
    )
  },
)
