import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openStore } from '@holdfast/core'
import type { Bench } from './harness/bench.ts'
import { randomBytes } from './harness/bytes.ts'
import { run } from './harness/command.ts'
import type { Contender } from './harness/work.ts'

const nothing = 'node -e 0'
const packages = fileURLToPath(new URL('../../packages', import.meta.url))

/** Compares the start-up time of the published command line with that of Node.js itself. */
export async function startUp(bench: Bench): Promise<void> {
  const folder = await bench.fresh('store')
  {
    await using store = await openStore(folder, { mode: 'shared' })
    for (let step = 1; step <= 3; step += 1) {
      await store.save({ step, files: { 'model.bin': randomBytes(64) }, metrics: { loss: 1 / step } })
    }
  }
  const holdfast = await installed(await bench.freshFolder('installed'))
  await bench.measure({
    name: 'Start-up of the command line',
    rounds: bench.scale.rounds * 3,
    contenders: [
      starting(nothing, ['-e', '0'], ''),
      starting('holdfast --version', [holdfast, '--version'], '.'),
      starting('holdfast ls', [holdfast, 'ls', '--store', folder], '3 checkpoints'),
    ],
    comparisons: [against('holdfast --version', 1.5), against('holdfast ls', 2)],
  })
}

function against(of: string, atMost: number) {
  return { text: nothing, of, against: { which: 'fastest', names: [nothing] }, atMost } as const
}

function starting(name: string, args: readonly string[], says: string): Contender {
  let printed = ''
  return {
    name,
    run: async () => {
      printed = await run(process.execPath, args)
      return undefined
    },
    verify: async () => {
      if (!printed.includes(says)) throw new Error(`${name} printed ${printed}`)
    },
  }
}

/** Installs the command line as npm would, with the adapter for local stores. Returns the file that it runs. */
async function installed(folder: string): Promise<string> {
  await writeFile(join(folder, 'package.json'), '{ "private": true }')
  const tarballs: string[] = []
  for (const name of ['core', 'adapter-fs', 'page', 'watch', 'cli']) {
    const tarball = join(folder, `${name}.tgz`)
    await run('pnpm', ['--dir', join(packages, name), 'pack', '--out', tarball])
    tarballs.push(tarball)
  }
  await run('npm', [
    'install',
    '--prefix',
    folder,
    '--no-audit',
    '--no-fund',
    '--prefer-offline',
    ...tarballs,
  ])
  return join(folder, 'node_modules', 'holdfast', 'bundle', 'main.js')
}
