import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { CheckpointStore, type SaveRequest } from '@holdfast/core'
import type { Bench } from '../harness/bench.ts'
import { assertEqual, assertSame, type Sample, writeSample } from '../harness/bytes.ts'
import type { Comparison, Contender, Question, Work } from '../harness/work.ts'
import { downloadByNodeHttp } from '../peers/node-http.ts'
import { downloadBySockets } from '../peers/plain-sockets.ts'
import type { Direction, Peer } from '../peers/peer.ts'
import { azure } from '../stores/azure.ts'
import { gcs } from '../stores/gcs.ts'
import { uploadPlain } from '../stores/plain-object.ts'
import { s3, s3OverTls } from '../stores/s3.ts'
import type { Clients, StoreServer } from '../stores/store-server.ts'

export type Start = () => Promise<StoreServer | { readonly why: string }>

export const objectStores = { s3, gcs, azure } as const satisfies Readonly<Record<string, Start>>

const servers = { ...objectStores, tls: s3OverTls }

/** How the first table of the report names the stores. */
export const placeNames = { s3: 'S3', tls: 'S3 over TLS', gcs: 'GCS', azure: 'Azure' } as const

const rclone = 'rclone'

interface Where {
  /** The name of the server. */
  readonly where: string
  /** The name of the store in the first table of the report. Without it, the table omits the work. */
  readonly place?: string
}

/** Measures transfers of one large file to and from a server on this machine. */
export function onStore(name: keyof typeof servers): (bench: Bench) => Promise<void> {
  return async (bench) => {
    const server = await servers[name]()
    if ('why' in server) {
      bench.leaveOut(name, server.why)
      return
    }
    await using _ = server
    const clients = await server.connect(server.origin)
    leaveOutMissing(bench, clients)
    const sample = await writeSample(join(bench.folder, 'sample.bin'), bench.scale.bytes)
    await moving(bench, clients, sample, { where: server.name, place: placeNames[name] })
  }
}

/** States which peers this machine lacks. */
export function leaveOutMissing(bench: Bench, { missing }: Clients): void {
  for (const { name, why } of missing) bench.leaveOut(name, why)
}

/** Measures saves and restores of one large file, by Holdfast and by the peers. */
export async function moving(
  bench: Bench,
  clients: Clients,
  sample: Sample,
  { where, place }: Where,
): Promise<void> {
  const headline = (question: Question): Pick<Work, 'headline'> =>
    place === undefined ? {} : { headline: { question, kind: 'object store', place } }
  const { peers } = clients
  await bench.measure(
    {
      name: `Save a large file to ${where}`,
      ...headline('Save a large file'),
      bytes: sample.size,
      contenders: [
        savingToStore(
          bench,
          clients,
          'Holdfast',
          { files: { 'model.bin': sample.path } },
          async (restored) => {
            await assertSame(join(restored, 'model.bin'), sample)
          },
        ),
        ...peers.map((peer) => uploading(bench, peer, sample)),
      ],
      comparisons: [againstFastest(peers), ...processorOf(peers, 'upload')],
    },
    { onDisk: true },
  )
  await using store = new CheckpointStore(await clients.open(`restored-${Date.now()}`), { mode: 'shared' })
  await store.save({ step: 1, files: { 'model.bin': sample.path } })
  const url = await uploadPlain(clients, sample)
  const plain = receiving(bench, sample, clients.ca, url)
  // Sockets of TLS cannot read into buffers of the caller.
  const sockets =
    clients.ca === undefined ? [1, 4].map((count) => receivingPlainly(bench, sample, count, url)) : []
  await bench.measure(
    {
      name: `Restore a large file from ${where}, durable`,
      ...headline('Restore a large file'),
      bytes: sample.size,
      contenders: [
        restoring(bench, store, sample),
        ...peers.map((peer) => downloading(bench, peer, sample)),
        plain,
        ...sockets,
      ],
      comparisons: [
        againstFastest(peers),
        { text: rclone, of: 'Holdfast', against: { which: 'fastest', names: [rclone] }, atMost: 1 },
        ...processorOf(peers, 'download'),
        againstPlain(plain.name),
        ...sockets.map(({ name }) => againstPlain(name)),
      ],
    },
    { onDisk: true },
  )
}

/** Saves again and again to one store, and deletes the large checkpoint of the round before. */
export function savingToStore(
  bench: Bench,
  clients: Clients,
  name: string,
  content: Pick<SaveRequest, 'files' | 'packs'>,
  verify: (restored: string) => Promise<void>,
): Contender {
  let store: CheckpointStore | undefined
  let step = 0
  let unchangedBytes = 0
  const current = async (): Promise<CheckpointStore> => {
    store ??= new CheckpointStore(await clients.open(`saved-${randomUUID()}`), { mode: 'shared' })
    return store
  }
  return {
    name,
    prepare: async () => {
      // The latest checkpoint cannot be deleted. A tiny one becomes the latest, so that the large one can be deleted.
      step += 1
      await (await current()).save({ step, files: { 'tiny.bin': Buffer.from('tiny') } })
      const older = (await (await current()).list()).slice(0, -1)
      await (await current()).delete(older.map((each) => each.step))
    },
    run: async () => {
      step += 1
      ;({ unchangedBytes } = await (await current()).save({ step, ...content }))
      return undefined
    },
    verify: async () => {
      assertEqual(unchangedBytes, 0, 'The number of bytes that the save did not send')
      const to = await bench.fresh('restored')
      await (await current()).restore('latest', { to })
      await verify(to)
      await rm(to, { recursive: true })
    },
  }
}

function restoring(bench: Bench, store: CheckpointStore, sample: Sample): Contender {
  let to = ''
  return {
    name: 'Holdfast',
    prepare: async () => {
      to = await bench.fresh('restored')
    },
    run: async () => {
      await store.restore('latest', { to })
      return undefined
    },
    verify: () => assertSame(join(to, 'model.bin'), sample),
  }
}

export function uploading(bench: Bench, peer: Peer, sample: Sample): Contender {
  const key = keyOf(peer, sample)
  return {
    name: peer.name,
    mayFail: true,
    run: async () => {
      await peer.upload(sample.path, key)
      return undefined
    },
    verify: async () => {
      const to = await bench.fresh('downloaded.bin')
      await peer.download(key, to)
      await assertSame(to, sample)
      await rm(to)
    },
  }
}

function downloading(bench: Bench, peer: Peer, sample: Sample): Contender {
  const key = keyOf(peer, sample)
  let to = ''
  return {
    name: peer.name,
    mayFail: true,
    prepare: async () => {
      to = await bench.fresh('downloaded.bin')
    },
    run: async () => {
      await peer.download(key, to)
      return undefined
    },
    verify: () => assertSame(to, sample),
  }
}

/** Downloads the same bytes with the HTTP client of Node.js alone. */
function receiving(
  bench: Bench,
  sample: Sample,
  ca: Buffer | undefined,
  url: () => Promise<string>,
): Contender {
  let to = ''
  let from = ''
  return {
    name: ca === undefined ? 'node:http to a file + fsync' : 'node:https to a file + fsync',
    prepare: async () => {
      to = await bench.fresh('received.bin')
      from = await url()
    },
    run: async () => {
      await downloadByNodeHttp(from, to, ca)
      return undefined
    },
    verify: () => assertSame(to, sample),
  }
}

/** Downloads the same bytes by plain sockets. */
function receivingPlainly(
  bench: Bench,
  sample: Sample,
  connections: number,
  url: () => Promise<string>,
): Contender {
  let to = ''
  let from = ''
  return {
    name: `${connections === 1 ? 'a plain socket' : `${connections} plain sockets`} to a file + fsync`,
    prepare: async () => {
      to = await bench.fresh('received.bin')
      from = await url()
    },
    run: async () => {
      await downloadBySockets(from, to, { size: sample.size, connections })
      return undefined
    },
    verify: () => assertSame(to, sample),
  }
}

function againstFastest(peers: readonly Peer[]): Comparison {
  return {
    text: 'the fastest peer',
    role: 'time',
    of: 'Holdfast',
    against: { which: 'fastest', names: peers.map(({ name }) => name) },
    atMost: 1,
  }
}

/** The goals for processor time: that of a peer that also computes a digest, and that of rclone, which is native. */
export function processorOf(peers: readonly Peer[], direction: Direction): readonly Comparison[] {
  const withDigest = peers.filter(({ digests = [] }) => digests.includes(direction))
  const hasDigest = withDigest.some(({ name }) => name === rclone)
  const namesOf = (chosen: readonly Peer[]): readonly string[] => chosen.map(({ name }) => name)
  const against = (names: readonly string[]): Comparison['against'] => ({ which: 'fastest', names })
  return [
    {
      text: 'the cheapest peer that computes a digest',
      role: 'digest peer',
      of: 'Holdfast',
      measured: 'processor',
      against: against(namesOf(withDigest)),
      atMost: 1,
    },
    {
      text: hasDigest ? rclone : `${rclone}, which computes no digest here`,
      role: 'other peer',
      of: 'Holdfast',
      measured: 'processor',
      against: against([rclone]),
      atMost: 1.5,
    },
  ]
}

function againstPlain(name: string): Comparison {
  return {
    text: `${name}, no SDK and no digest`,
    of: 'Holdfast',
    against: { which: 'fastest', names: [name] },
  }
}

export function keyOf(peer: Peer, { size }: Sample): string {
  return `${wordOf(peer)}-${size}.bin`
}

export function wordOf({ name }: Peer): string {
  return name.replaceAll(/[^a-z0-9]+/g, '-')
}
