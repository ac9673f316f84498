import { join } from 'node:path'
import { CheckpointStore, type PackMode } from '@holdfast/core'
import type { Bench } from '../harness/bench.ts'
import { assertSameFolder, writeFolder } from '../harness/bytes.ts'
import type { Comparison, Contender, Headline, Question } from '../harness/work.ts'
import { eachName } from '../peers/each-file.ts'
import { type Direction, type Peer, wordOf } from '../peers/peer.ts'
import { leaveOutMissing, objectStores, placeNames } from '../stores/object-stores.ts'
import type { Clients } from '../stores/store-server.ts'
import { againstFloor, copyingEachFile, uploadingFolder } from '../works/folder-of-files.ts'
import { processorOf } from '../works/processor-goals.ts'
import { savingToStore } from '../works/saving-to-store.ts'

/** The goal for saves and restores, compared with the fastest peer. */
const goal = 0.25

interface Place {
  readonly bench: Bench
  readonly clients: Clients
  /** The folder with the files. */
  readonly original: string
  readonly names: readonly string[]
}

/** Measures saves and restores of a checkpoint of many small files, on a server on this machine. */
export function smallOnStore(name: keyof typeof objectStores): (bench: Bench) => Promise<void> {
  return async (bench) => {
    const server = await objectStores[name]()
    if ('why' in server) {
      bench.leaveOut(`small-${name}`, server.why)
      return
    }
    await using _ = server
    const { smallBytes, files: count } = bench.scale
    const clients = await server.connect(server.origin)
    leaveOutMissing(bench, clients)
    const original = await writeFolder(join(bench.folder, 'original'), count, smallBytes)
    const names = Array.from({ length: count }, (__, index) => `${String(index).padStart(6, '0')}.bin`)
    const place = { bench, clients, original, names }
    const peers = clients.peers.filter(({ uploadFolder }) => uploadFolder !== undefined)
    const what = `${count.toLocaleString('en')} files of ${smallBytes / 1024} KiB`
    const headline = (question: Question): Headline => ({
      question,
      kind: 'object store',
      place: placeNames[name],
    })
    const shared = (direction: Direction) => ({
      bytes: count * smallBytes,
      comparisons: [againstFastest(peers), againstUnpacked, ...processorOf(peers, direction)],
    })
    await bench.measure(
      {
        ...shared('upload'),
        name: `Save a checkpoint of ${what} to ${server.name}`,
        headline: headline('Save many small files'),
        contenders: [
          saving(place, 'auto'),
          saving(place, 'never'),
          ...peers.map((peer) => uploadingFolder(bench, peer, original, prefixOf(peer))),
        ],
      },
      { onDisk: true },
    )
    await using packed = await saved(place, 'auto')
    await using unpacked = await saved(place, 'never')
    await bench.measure(
      {
        ...shared('download'),
        comparisons: [...shared('download').comparisons, againstFloor(nameOf('auto'))],
        name: `Restore a checkpoint of ${what} from ${server.name}, durable`,
        headline: headline('Restore many small files'),
        contenders: [
          restoring(place, packed, 'auto'),
          restoring(place, unpacked, 'never'),
          ...peers.map((peer) => downloading(place, peer)),
          copyingEachFile(bench, original),
        ],
      },
      { onDisk: true },
    )
  }
}

function nameOf(packs: PackMode): string {
  return packs === 'never' ? 'Holdfast, one object per file' : 'Holdfast'
}

async function saved({ clients, original }: Place, packs: PackMode): Promise<CheckpointStore> {
  const store = new CheckpointStore(await clients.open(`restored-${packs}-${Date.now()}`), { mode: 'shared' })
  await store.save({ step: 1, files: [original], packs })
  return store
}

function saving({ bench, clients, original }: Place, packs: PackMode): Contender {
  return savingToStore(bench, clients, nameOf(packs), { files: [original], packs }, (restored) =>
    assertSameFolder(join(restored, 'original'), original),
  )
}

function restoring({ bench, original }: Place, store: CheckpointStore, packs: PackMode): Contender {
  let to = ''
  return {
    name: nameOf(packs),
    prepare: async () => {
      to = await bench.fresh('restored')
    },
    run: async () => {
      await store.restore('latest', { to })
      return undefined
    },
    verify: async () => {
      await assertSameFolder(join(to, 'original'), original)
      await bench.remove(to)
    },
  }
}

/** Downloads what `uploadingFolder` has uploaded. */
function downloading({ bench, original, names }: Place, peer: Peer): Contender {
  const prefix = prefixOf(peer)
  let to = ''
  const eachAlone = (): Promise<void> =>
    eachName(names, (name) => peer.download(`${prefix}/${name}`, join(to, name)))
  return {
    name: peer.name,
    mayFail: true,
    prepare: async () => {
      to = await bench.freshFolder('downloaded')
    },
    run: async () => {
      await (peer.downloadFolder?.(prefix, to) ?? eachAlone())
      return undefined
    },
    verify: async () => {
      await assertSameFolder(to, original)
      await bench.remove(to)
    },
  }
}

function prefixOf(peer: Peer): string {
  return `${wordOf(peer)}-folder`
}

function againstFastest(peers: readonly Peer[]): Comparison {
  return {
    text: 'the fastest peer',
    role: 'time',
    of: nameOf('auto'),
    against: { which: 'fastest', names: peers.map(({ name }) => name) },
    atMost: goal,
  }
}

const againstUnpacked: Comparison = {
  text: 'Holdfast without packs',
  of: nameOf('auto'),
  against: { which: 'fastest', names: [nameOf('never')] },
}
