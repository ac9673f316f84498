import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { adapter as disk } from '@holdfast/adapter-fs'
import { CheckpointStore, copyCheckpoints } from '@holdfast/core'
import type { Bench } from '../harness/bench.ts'
import { assertEqual, assertSame, type Sample, writeFolder, writeSample } from '../harness/bytes.ts'
import type { Comparison, Contender } from '../harness/work.ts'
import { uploadingFolder } from '../works/folder-of-files.ts'
import { keyOf, type Peer, wordOf } from '../peers/peer.ts'
import { leaveOutMissing, objectStores } from '../stores/object-stores.ts'
import type { Clients } from '../stores/store-server.ts'
import { uploading } from '../works/large-file.ts'

/** The number of checkpoints that a mirror lacks, and of the files of each. */
const [behind, filesEach] = [100, 10]

/** Measures a disk with a mirror on S3, and copies to S3 and within it. */
export async function mirror(bench: Bench): Promise<void> {
  const server = await objectStores.s3()
  if ('why' in server) {
    bench.leaveOut('mirror', server.why)
    return
  }
  await using _ = server
  const clients = await server.connect(server.origin)
  const sample = await writeSample(join(bench.folder, 'sample.bin'), bench.scale.bytes)
  leaveOutMissing(bench, clients)
  const verifying = clients.peers.filter(({ digests = [] }) => digests.includes('upload'))
  await savingWithMirror(bench, clients)
  await copyToStore(bench, clients, sample, verifying, server.name)
  await copyWithinStore(bench, clients, sample, verifying, server.name)
  await catchingUp(bench, clients, server.name)
}

/** Measures how long a save blocks. The mirror has everything before, so that it does not copy at the same time. */
async function savingWithMirror(bench: Bench, clients: Clients): Promise<void> {
  const sample = await writeSample(join(bench.folder, 'blocking.bin'), bench.scale.backgroundBytes)
  const [plain, mirrored] = ['Holdfast without a mirror', 'Holdfast with a mirror']
  await using without = await onDisk(bench, 'without')
  await using withMirror = await onDisk(bench, 'with', clients)
  await bench.measure(
    {
      name: `Block for a save of ${bench.scale.backgroundBytes / 2 ** 20} MiB to a disk, with a mirror on S3`,
      bytes: sample.size,
      contenders: [
        blocking(bench, mirrored, withMirror, { sample, mirrored: withMirror, alsoVerify: assertMirrored }),
        blocking(bench, plain, without, { sample, mirrored: withMirror }),
      ],
      comparisons: [
        { text: plain, of: mirrored, against: { which: 'fastest', names: [plain] }, atMost: 1.05 },
      ],
    },
    { onDisk: true },
  )
}

async function onDisk(bench: Bench, name: string, clients?: Clients): Promise<CheckpointStore> {
  const backend = await disk.open(pathToFileURL(await bench.fresh(name)))
  const retention = { keepLast: 1 }
  if (clients === undefined) return new CheckpointStore(backend, { retention })
  const place = `mirror-${randomUUID()}`
  const options = { retention, mirror: { store: clients.place(place).url, flushLimit: 3_600_000 } }
  return new CheckpointStore(backend, options, undefined, undefined, await clients.open(place))
}

interface Blocking {
  readonly sample: Sample
  /** The store whose mirror must have copied everything before a save, because a copy would disturb each of the contenders. */
  readonly mirrored: CheckpointStore
  /** Gets the store and the step, when the mirror has had time to copy it. */
  readonly alsoVerify?: (store: CheckpointStore, step: number) => Promise<void>
}

/** Saves, and restores the result. */
function blocking(
  bench: Bench,
  name: string,
  store: CheckpointStore,
  { sample, mirrored, alsoVerify }: Blocking,
): Contender {
  let step = 0
  return {
    name,
    prepare: async () => {
      await mirrored.flush()
    },
    run: async () => {
      step += 1
      await store.save({ step, files: { 'model.bin': sample.path } })
      return undefined
    },
    verify: async () => {
      await store.flush()
      await alsoVerify?.(store, step)
      await assertRestores(bench, store, sample)
    },
  }
}

async function assertMirrored(store: CheckpointStore, step: number): Promise<void> {
  const status = await store.mirrorStatus()
  if (status?.error !== undefined) throw status.error
  assertEqual(status?.newest?.step, step, 'The step in the mirror')
}

async function copyToStore(
  bench: Bench,
  clients: Clients,
  sample: Sample,
  peers: readonly Peer[],
  where: string,
): Promise<void> {
  await using source = await onDisk(bench, 'source')
  await source.save({ step: 1, files: { 'model.bin': sample.path } })
  const ours = copying(clients, source, (copied) => assertRestores(bench, copied, sample))
  await bench.measure(
    {
      name: `Copy a large checkpoint from a disk to ${where}, verified`,
      bytes: sample.size,
      contenders: [ours, ...peers.map((peer) => uploading(bench, peer, sample))],
      comparisons: [againstFastest(ours.name, peers)],
    },
    { onDisk: true },
  )
}

/** Copies the checkpoints of a store into a new store each time, which `verify` gets. */
function copying(
  clients: Clients,
  source: CheckpointStore,
  verify: (copied: CheckpointStore) => Promise<void>,
): Contender {
  let place = ''
  const opened = async (): Promise<CheckpointStore> =>
    new CheckpointStore(await clients.open(place), { mode: 'shared' })
  return {
    name: 'Holdfast',
    prepare: async () => {
      place = `copied-${randomUUID()}`
    },
    run: async () => {
      await using to = await opened()
      await copyCheckpoints(source, to)
      return undefined
    },
    verify: async () => {
      await using copied = await opened()
      await verify(copied)
    },
  }
}

/** Restores the latest checkpoint, and throws unless it has the bytes of the sample. */
async function assertRestores(bench: Bench, store: CheckpointStore, sample: Sample): Promise<void> {
  const to = await bench.fresh('restored')
  await store.restore('latest', { to })
  await assertSame(join(to, 'model.bin'), sample)
}

async function copyWithinStore(
  bench: Bench,
  clients: Clients,
  sample: Sample,
  peers: readonly Peer[],
  where: string,
): Promise<void> {
  await using source = new CheckpointStore(await clients.open(`source-${randomUUID()}`), { mode: 'shared' })
  await source.save({ step: 1, files: { 'model.bin': sample.path } })
  const able = peers.filter(({ copyWithin }) => copyWithin !== undefined)
  const ours = copying(clients, source, (copied) => assertRestores(bench, copied, sample))
  await bench.measure({
    name: `Copy a large checkpoint within ${where}, by the service`,
    bytes: sample.size,
    contenders: [ours, ...able.map((peer) => copyingWithin(bench, peer, sample))],
    comparisons: [againstFastest(ours.name, able)],
  })
}

function copyingWithin(bench: Bench, peer: Peer, sample: Sample): Contender {
  const [from, to] = [keyOf(peer, sample), `copy-of-${keyOf(peer, sample)}`]
  return {
    name: peer.name,
    mayFail: true,
    run: async () => {
      await peer.copyWithin?.(from, to)
      return undefined
    },
    verify: async () => {
      const path = await bench.fresh('downloaded.bin')
      await peer.download(to, path)
      await assertSame(path, sample)
    },
  }
}

/** Measures how long a new mirror takes to get everything. A peer uploads the same files. */
async function catchingUp(bench: Bench, clients: Clients, where: string): Promise<void> {
  const checkpoints = bench.scale.quick ? 3 : behind
  const original = await writeFolder(
    join(bench.folder, 'original'),
    checkpoints * filesEach,
    bench.scale.smallBytes,
  )
  const nameOf = (index: number): string => `${String(index).padStart(6, '0')}.bin`
  const path = await bench.fresh('behind')
  await using store = new CheckpointStore(await disk.open(pathToFileURL(path)), { mode: 'shared' })
  for (let step = 0; step < checkpoints; step += 1) {
    const names = Array.from({ length: filesEach }, (_, index) => nameOf(step * filesEach + index))
    const files = Object.fromEntries(names.map((name) => [name, { path: join(original, name) }]))
    await store.save({ step, files })
  }
  const ours = copying(clients, store, async (copied) => {
    assertEqual((await copied.list()).length, checkpoints, 'The number of checkpoints in the mirror')
    assertEqual((await copied.verify()).good, true, 'The verification of the mirror')
  })
  const able = clients.peers.filter(({ uploadFolder }) => uploadFolder !== undefined)
  await bench.measure({
    name: `Catch up with ${checkpoints} checkpoints of ${filesEach} files of ${bench.scale.smallBytes / 1024} KiB on ${where}`,
    bytes: checkpoints * filesEach * bench.scale.smallBytes,
    rounds: Math.min(3, bench.scale.rounds),
    contenders: [
      ours,
      ...able.map((peer) => uploadingFolder(bench, peer, original, `${wordOf(peer)}-behind`)),
    ],
    comparisons: [fastest(ours.name, able)],
  })
}

function againstFastest(of: string, peers: readonly Peer[]): Comparison {
  return { ...fastest(of, peers), atMost: 1 }
}

function fastest(of: string, peers: readonly Peer[]): Comparison {
  const names = peers.map(({ name }) => name)
  return { text: 'the fastest peer', of, against: { which: 'fastest', names } }
}
