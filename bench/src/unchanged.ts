import { join } from 'node:path'
import { type CheckpointStore, openStore } from '@holdfast/core'
import type { Bench } from './harness/bench.ts'
import { writeSample } from './harness/bytes.ts'
import type { Contender } from './harness/work.ts'

/** The share of a checkpoint that never changes. */
const frozenShare = 3.9 / 4

/** Hashing one file cannot be divided among threads. */
const shapes = [
  { what: 'several files', files: 8, atMost: 0.45 },
  { what: 'one file', files: 1, atMost: 0.8 },
] as const

interface Content {
  readonly frozen: Readonly<Record<string, string>>
  readonly head: string
  readonly headBytes: number
}

/**
 * Measures saves on a disk of checkpoints of which nearly all bytes are as before. The store keeps two physical copies, so the
 * third save is the first that shares. It is compared with the first save.
 */
export async function unchangedFiles(bench: Bench): Promise<void> {
  for (const { what, files, atMost } of shapes) {
    const content = await contentOf(bench, files)
    const first = saving(bench, content, 'The first save', 0)
    const sharing = saving(bench, content, 'The save that shares', 2)
    await bench.measure(
      {
        name: `Save a checkpoint of which 97.5 % are unchanged, in ${what}, on the file system`,
        bytes: bench.scale.bytes,
        contenders: [first, sharing],
        comparisons: [
          {
            text: first.name,
            of: sharing.name,
            against: { which: 'fastest', names: [first.name] },
            atMost,
          },
        ],
      },
      { onDisk: true },
    )
  }
}

async function contentOf(bench: Bench, files: number): Promise<Content> {
  const bytes = Math.floor((bench.scale.bytes * frozenShare) / files)
  const frozen: Record<string, string> = {}
  for (let index = 0; index < files; index += 1) {
    const name = `backbone-${files}-${index}.bin`
    frozen[name] = (await writeSample(join(bench.folder, name), bytes)).path
  }
  return { frozen, head: join(bench.folder, 'head.bin'), headBytes: bench.scale.bytes - bytes * files }
}

/** Saves a checkpoint after a number of others. */
function saving(bench: Bench, { frozen, head, headBytes }: Content, name: string, before: number): Contender {
  let store: CheckpointStore | undefined
  const save = async (step: number): Promise<number> => {
    if (store === undefined) throw new Error('No store has been opened')
    const { unchangedBytes } = await store.save({ step, files: { ...frozen, 'head.bin': head } })
    return unchangedBytes
  }
  let unchanged = 0
  return {
    name,
    prepare: async () => {
      await store?.close()
      store = await openStore(await bench.fresh(`store-${before}`), { mode: 'shared', unchanged: 'link' })
      for (let step = 0; step < before; step += 1) {
        await writeSample(head, headBytes)
        await save(step)
      }
      await writeSample(head, headBytes)
    },
    run: async () => {
      unchanged = await save(before)
      return undefined
    },
    verify: async () => {
      const report = await store?.verify({ steps: [before] })
      if (report?.good !== true) throw new Error(`${name} does not verify`)
      if (unchanged > 0 !== before > 1) throw new Error(`${name} shared ${unchanged} bytes`)
    },
  }
}
