import { join } from 'node:path'
import { CheckpointStore } from '@holdfast/core'
import type { Bench } from '../harness/bench.ts'
import { assertSame, type Sample } from '../harness/bytes.ts'
import type { Comparison, Contender, Question, Work } from '../harness/work.ts'
import { downloadByNodeHttp } from '../peers/node-http.ts'
import { opensslDigest } from '../peers/openssl.ts'
import { downloadBySockets } from '../peers/plain-sockets.ts'
import { keyOf, type Peer } from '../peers/peer.ts'
import { rcloneName } from '../peers/rclone.ts'
import { VerifiedSocket } from '../peers/verified-socket.ts'
import { uploadPlain } from '../stores/plain-object.ts'
import type { Clients } from '../stores/store-server.ts'
import { processorOf } from './processor-goals.ts'
import { savingToStore } from './saving-to-store.ts'

interface Where {
  /** The name of the server. */
  readonly where: string
  /** The name of the store in the first table of the report. Without it, the table omits the work. */
  readonly place?: string
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
  await using socket = new VerifiedSocket()
  const verified = clients.ca === undefined ? [verifying(bench, sample, socket, url)] : []
  const withOpenssl = peers
    .filter(({ name, digests = [] }) => name === rcloneName && !digests.includes('download'))
    .map((peer) => downloadingAndHashing(bench, peer, sample))
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
        ...verified,
        ...withOpenssl,
      ],
      comparisons: [
        againstFastest(peers),
        { text: rcloneName, of: 'Holdfast', against: { which: 'fastest', names: [rcloneName] }, atMost: 1 },
        ...processorOf(peers, 'download'),
        againstPlain(plain.name),
        ...sockets.map(({ name }) => againstPlain(name)),
        ...[...verified, ...withOpenssl].flatMap(({ name }) => againstVerified(name)),
      ],
    },
    { onDisk: true },
  )
}

/** Restores the latest checkpoint of a store with Holdfast. */
export function restoring(bench: Bench, store: CheckpointStore, sample: Sample): Contender {
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
      await bench.remove(to)
    },
  }
}

function downloading(
  bench: Bench,
  peer: Peer,
  sample: Sample,
  afterwards: (path: string) => Promise<void> = async () => undefined,
): Contender {
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
      await afterwards(to)
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

/** Downloads and verifies the same bytes with the least work that Node.js allows. */
function verifying(
  bench: Bench,
  sample: Sample,
  socket: VerifiedSocket,
  url: () => Promise<string>,
): Contender {
  let to = ''
  let from = ''
  return {
    name: 'a plain socket to a file + fsync, with SHA-256',
    prepare: async () => {
      to = await bench.fresh('received.bin')
      from = await url()
    },
    run: async () => {
      await socket.download(from, to, sample)
      return undefined
    },
    verify: () => assertSame(to, sample),
  }
}

/** Downloads with a peer that computes no digest, and then computes the SHA-256 with openssl. */
function downloadingAndHashing(bench: Bench, peer: Peer, sample: Sample): Contender {
  const contender = downloading(bench, peer, sample, async (to) => {
    const found = await opensslDigest(to)
    if (found !== sample.sha256) throw new Error(`The file has the digest ${found}, not ${sample.sha256}`)
  })
  return { ...contender, name: `${peer.name}, then openssl dgst -sha256` }
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

function againstPlain(name: string): Comparison {
  return {
    text: `${name}, no SDK and no digest`,
    of: 'Holdfast',
    against: { which: 'fastest', names: [name] },
  }
}

/** Compares time and processor time with a contender that also computes the SHA-256. */
function againstVerified(name: string): readonly Comparison[] {
  const against = { which: 'fastest', names: [name] } as const
  const comparison = { text: name, of: 'Holdfast', against }
  return [comparison, { ...comparison, measured: 'processor' }]
}
