import { join } from 'node:path'
import { openStore } from '@holdfast/core'
import type { Bench } from '../harness/bench.ts'
import { assertSame, randomBytes, writeSample } from '../harness/bytes.ts'
import { run } from '../harness/command.ts'
import type { Contender } from '../harness/work.ts'
import { installCommandLine } from '../fixtures/installed-command-line.ts'
import { copyAndSync } from '../peers/copy.ts'

const nothing = 'node -e 0'

/** Compares the published command line with other programs, as whole processes. */
export async function commandLine(bench: Bench): Promise<void> {
  const holdfast = await installCommandLine(await bench.freshFolder('installed'))
  await startUp(bench, holdfast)
  await saving(bench, holdfast)
}

/** Compares the start-up time with that of Node.js itself. */
async function startUp(bench: Bench, holdfast: string): Promise<void> {
  const folder = await bench.fresh('store')
  {
    await using store = await openStore(folder, { mode: 'shared' })
    for (let step = 1; step <= 3; step += 1) {
      await store.save({ step, files: { 'model.bin': randomBytes(64) }, metrics: { loss: 1 / step } })
    }
  }
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

/** Compares a save of a large file to a disk with a copy. */
async function saving(bench: Bench, holdfast: string): Promise<void> {
  const sample = await writeSample(join(bench.folder, 'model.bin'), bench.scale.bytes)
  const copying = 'cp + fsync'
  let folder = ''
  let copy = ''
  await bench.measure(
    {
      name: 'Save a large file to a disk by the command line, as a whole process',
      headline: { question: 'Save a large file', kind: 'command line', place: 'disk, command line' },
      bytes: sample.size,
      contenders: [
        {
          name: 'holdfast save',
          prepare: async () => {
            folder = await bench.fresh('saved')
          },
          run: async () => {
            await run(process.execPath, [holdfast, 'save', sample.path, '--step', '1', '--store', folder])
            return undefined
          },
          verify: async () => {
            await using store = await openStore(folder, { mode: 'shared' })
            const to = await bench.fresh('restored')
            await store.restore('latest', { to })
            await assertSame(join(to, 'model.bin'), sample)
          },
        },
        {
          name: copying,
          prepare: async () => {
            copy = await bench.fresh('copied.bin')
          },
          run: () => copyAndSync(sample.path, copy),
          verify: () => assertSame(copy, sample),
        },
      ],
      comparisons: [
        {
          text: copying,
          role: 'time',
          of: 'holdfast save',
          against: { which: 'fastest', names: [copying] },
        },
        {
          text: copying,
          role: 'other peer',
          of: 'holdfast save',
          measured: 'processor',
          against: { which: 'fastest', names: [copying] },
        },
      ],
    },
    { onDisk: true },
  )
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
