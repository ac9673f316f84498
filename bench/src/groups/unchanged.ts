import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { CheckpointStore, openStore, type SaveResult } from '@holdfast/core'
import type { Bench } from '../harness/bench.ts'
import { writeSample } from '../harness/bytes.ts'
import type { Contender } from '../harness/work.ts'
import { objectStores } from '../stores/object-stores.ts'

/** The share of a checkpoint that never changes. */
const frozenShare = 3.9 / 4

/** The most bytes that may be stored, as a share of the checkpoint. */
const mostStored = 0.12 / 4

/** Hashing one file cannot be divided among threads. */
const shapes = [
  { what: 'several files', files: 8, atMost: 0.45 },
  { what: 'one file', files: 1, atMost: 0.8 },
] as const

/** Enough bytes for each of eight files to be copied by the service. */
const leastBytes = 16 * 2 ** 20

interface Content {
  readonly frozen: Readonly<Record<string, string>>
  readonly head: string
  readonly headBytes: number
  readonly bytesOfAll: number
}

/** A place for stores, and the number of saves before the first one that shares. */
interface Place {
  readonly open: (bench: Bench, name: string) => Promise<CheckpointStore>
  readonly before: number
}

/** A disk keeps two physical copies, so the third save is the first that shares. */
const onDisk: Place = {
  open: async (bench, name) => openStore(await bench.fresh(name), { mode: 'shared', unchanged: 'link' }),
  before: 2,
}

/** Measures saves of checkpoints of which nearly all bytes are as before. Each is compared with the first save. */
export async function unchangedFiles(bench: Bench): Promise<void> {
  for (const { what, files, atMost } of shapes) {
    const content = await contentOf(bench, files, bench.scale.bytes)
    await comparing(bench, content, onDisk, { where: `in ${what}, on the file system`, atMost })
  }
  const server = await objectStores.s3()
  if ('why' in server) {
    bench.leaveOut('unchanged files on S3', server.why)
    return
  }
  await using _ = server
  const clients = await server.connect(server.origin)
  const onS3: Place = {
    open: async () =>
      new CheckpointStore(await clients.open(`unchanged-${randomUUID()}`), { mode: 'shared' }),
    before: 1,
  }
  // The server copies each byte on the same two cores, so it gets a quarter of them. Small files would be sent again.
  const content = await contentOf(bench, 8, Math.max(bench.scale.bytes / 4, leastBytes))
  await comparing(bench, content, onS3, { where: `in several files, to ${server.name}` })
}

async function comparing(
  bench: Bench,
  content: Content,
  place: Place,
  { where, atMost }: { readonly where: string; readonly atMost?: number },
): Promise<void> {
  const first = saving(bench, content, place, { name: 'The first save', before: 0 })
  const sharing = saving(bench, content, place, { name: 'The save that shares', before: place.before })
  await bench.measure(
    {
      name: `Save a checkpoint of which 97.5 % are unchanged, ${where}`,
      bytes: content.bytesOfAll,
      contenders: [first, sharing],
      comparisons: [
        {
          text: first.name,
          of: sharing.name,
          against: { which: 'fastest', names: [first.name] },
          ...(atMost === undefined ? {} : { atMost }),
        },
      ],
    },
    { onDisk: true },
  )
  await bench.measure({
    name: `Bytes of files that the save stores or sends, ${where}`,
    unit: 'bytes',
    rounds: 1,
    contenders: [first, sharing].map(({ name, storedBytes, verify }) => ({
      name,
      run: async () => storedBytes(),
      verify,
    })),
    comparisons: [
      {
        text: first.name,
        of: sharing.name,
        against: { which: 'fastest', names: [first.name] },
        atMost: mostStored,
      },
    ],
  })
}

async function contentOf(bench: Bench, files: number, bytesOfAll: number): Promise<Content> {
  const bytes = Math.floor((bytesOfAll * frozenShare) / files)
  const frozen: Record<string, string> = {}
  for (let index = 0; index < files; index += 1) {
    const name = `backbone-${files}-${index}.bin`
    frozen[name] = (await writeSample(join(bench.folder, name), bytes)).path
  }
  return { frozen, head: join(bench.folder, 'head.bin'), headBytes: bytesOfAll - bytes * files, bytesOfAll }
}

interface Saving extends Contender {
  /** Returns how many bytes of files the latest save stored. */
  readonly storedBytes: () => number
}

/** Saves a checkpoint after a number of others. */
function saving(
  bench: Bench,
  { frozen, head, headBytes }: Content,
  place: Place,
  { name, before }: { readonly name: string; readonly before: number },
): Saving {
  let store: CheckpointStore | undefined
  let result: SaveResult | undefined
  const save = async (step: number): Promise<void> => {
    result = await store?.save({ step, files: { ...frozen, 'head.bin': head } })
  }
  const unchanged = (): number => result?.unchangedBytes ?? 0
  return {
    name,
    storedBytes: () => (result?.bytes ?? 0) - unchanged(),
    prepare: async () => {
      await store?.close()
      store = await place.open(bench, `store-${before}`)
      for (let step = 0; step < before; step += 1) {
        await writeSample(head, headBytes)
        await save(step)
      }
      await writeSample(head, headBytes)
    },
    run: async () => {
      await save(before)
      return undefined
    },
    verify: async () => {
      const report = await store?.verify({ steps: [before] })
      if (report?.good !== true) throw new Error(`${name} does not verify`)
      if (unchanged() > 0 !== before > 0) throw new Error(`${name} shared ${unchanged()} bytes`)
    },
  }
}
