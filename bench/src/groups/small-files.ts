import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type CheckpointStore, openStore, type PackMode } from '@holdfast/core'
import type { Bench } from '../harness/bench.ts'
import { assertSameFolder, randomBytes, writeFolder } from '../harness/bytes.ts'
import type { Contender } from '../harness/work.ts'
import { copyFolderAndSync } from '../peers/copy.ts'
import { rcloneCopies } from '../peers/rclone.ts'
import { againstFloor, copyingEachFile } from '../works/folder-of-files.ts'

const durable = 'cp -r + fsync'

/** Measures a checkpoint of many small files on the file system. */
export async function smallFiles(bench: Bench): Promise<void> {
  const { files, smallBytes } = bench.scale
  const original = await writeFolder(join(bench.folder, 'original'), files, smallBytes)
  const peers = [copying(bench, original), ...(await rclone(bench, original))]
  const ours = saving(bench, original, 'never')
  const packed = saving(bench, original, 'always')
  await bench.measure(
    {
      name: `Save a checkpoint of ${files.toLocaleString('en')} files of ${smallBytes / 1024} KiB, on the file system`,
      headline: { question: 'Save many small files', kind: 'disk', place: 'disk' },
      bytes: files * smallBytes,
      contenders: [ours, packed, ...peers],
      comparisons: [
        {
          text: durable,
          role: 'time',
          of: ours.name,
          against: { which: 'fastest', names: [durable] },
          atMost: 1,
        },
        {
          text: 'the fastest peer',
          of: ours.name,
          against: { which: 'fastest', names: peers.map(({ name }) => name) },
          atMost: 1,
        },
        {
          text: durable,
          role: 'other peer',
          of: ours.name,
          measured: 'processor',
          against: { which: 'fastest', names: [durable] },
        },
        { text: durable, of: packed.name, against: { which: 'fastest', names: [durable] }, atMost: 0.5 },
      ],
    },
    { onDisk: true },
  )
  await restores(bench, original, peers)
}

async function restores(bench: Bench, original: string, peers: readonly Contender[]): Promise<void> {
  const { files, smallBytes } = bench.scale
  const [ours, packed] = [restoring(bench, original, 'never'), restoring(bench, original, 'always')]
  const floor = copyingEachFile(bench, original)
  const against = { which: 'fastest', names: [durable] } as const
  await bench.measure(
    {
      name: `Restore a checkpoint of ${files.toLocaleString('en')} files of ${smallBytes / 1024} KiB, on the file system`,
      bytes: files * smallBytes,
      contenders: [ours, packed, ...peers, floor],
      comparisons: [
        { text: durable, of: ours.name, against, atMost: 1 },
        { text: durable, of: packed.name, against, atMost: 0.5 },
        againstFloor(ours.name),
        againstFloor(packed.name),
      ],
    },
    { onDisk: true },
  )
}

function restoring(bench: Bench, original: string, packs: PackMode): Contender {
  let store: CheckpointStore | undefined
  let to = ''
  return {
    name: nameOf(packs),
    prepare: async () => {
      if (store === undefined) {
        store = await openStore(await bench.fresh(`restored-from-${packs}`), { mode: 'shared', packs })
        await store.save({ step: 1, files: await filesIn(original) })
      }
      to = await bench.fresh('restored')
    },
    run: async () => {
      await store?.restore('latest', { to })
      return undefined
    },
    verify: () => assertSameFolder(to, original),
  }
}

function nameOf(packs: PackMode): string {
  return packs === 'always' ? 'Holdfast, packed' : 'Holdfast'
}

/** Returns the paths of the files in a folder by their names. */
async function filesIn(folder: string): Promise<Readonly<Record<string, string>>> {
  const names = await readdir(folder)
  return Object.fromEntries(names.map((name) => [name, join(folder, name)]))
}

function saving(bench: Bench, original: string, packs: PackMode): Contender {
  let store: CheckpointStore | undefined
  const current = (): CheckpointStore => {
    if (store === undefined) throw new Error('No store has been opened')
    return store
  }
  return {
    name: nameOf(packs),
    prepare: async () => {
      await store?.close()
      store = await openStore(await bench.fresh(`store-${packs}`), { mode: 'shared', packs })
      await store.save({ step: 0, files: { 'first.bin': randomBytes(16) } })
    },
    run: async () => {
      await current().save({ step: 1, files: await filesIn(original) })
      return undefined
    },
    verify: async () => {
      const to = await bench.fresh('restored')
      await current().restore('latest', { to })
      await assertSameFolder(to, original)
    },
  }
}

function copying(bench: Bench, original: string): Contender {
  let to = ''
  return {
    name: durable,
    prepare: async () => {
      to = await bench.fresh('copied')
    },
    run: () => copyFolderAndSync(original, to),
    verify: () => assertSameFolder(to, original),
  }
}

async function rclone(bench: Bench, original: string): Promise<readonly Contender[]> {
  const rclone = await rcloneCopies()
  if (rclone === undefined) {
    bench.leaveOut('rclone copy', 'rclone is not on the PATH')
    return []
  }
  let to = ''
  return [
    {
      name: 'rclone copy (not durable)',
      prepare: async () => {
        to = await bench.fresh('copied-by-rclone')
      },
      run: () => rclone.folder(original, to),
      verify: () => assertSameFolder(to, original),
    },
  ]
}
