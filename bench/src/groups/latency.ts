import { join } from 'node:path'
import { CheckpointStore } from '@holdfast/core'
import type { Bench } from '../harness/bench.ts'
import { assertEqual, randomBytes, sha256Of, writeSample } from '../harness/bytes.ts'
import { atDistance, type DistantServer } from '../stores/distant.ts'
import { leaveOutMissing, objectStores } from '../stores/object-stores.ts'
import type { Clients } from '../stores/store-server.ts'
import { moving } from '../works/large-file.ts'

/** The delay of each request in milliseconds. */
const delay = 20

/**
 * The requests of a small save that must follow each other: the manifest, which contains the files, the commit and a list.
 */
const serialRequests = 3

/** Measures object stores at a distance: a proxy delays every request. */
export async function latency(bench: Bench): Promise<void> {
  for (const name of ['s3', 'gcs', 'azure'] as const) {
    const server = await objectStores[name]()
    if ('why' in server) {
      bench.leaveOut(name, server.why)
      continue
    }
    await using _ = server
    await using proxy = await atDistance(server.origin, delay)
    const clients = await server.connect(proxy.url)
    leaveOutMissing(bench, clients)
    const where = `${server.name}, ${delay} ms away`
    if (name === 'gcs') {
      const why =
        'this server makes clients send the bytes directly to its own address, not through the proxy'
      bench.leaveOut('the delay of chunks of resumable uploads to GCS', why)
    }
    await savingSmall(bench, clients, proxy, where)
    const sample = await writeSample(join(bench.folder, 'sample.bin'), bench.scale.bytes)
    await moving(bench, clients, sample, { where })
  }
}

async function savingSmall(
  bench: Bench,
  clients: Clients,
  proxy: DistantServer,
  where: string,
): Promise<void> {
  const files = Object.fromEntries(['a', 'b', 'c'].map((name) => [name, randomBytes(1024)]))
  await using store = new CheckpointStore(await clients.open(`small-${Date.now()}`))
  let step = 1
  await store.save({ step, files }) // the first save creates the store and tests its conditional writes
  let requests = 0
  const minimum = 'the requests that must follow each other'
  const statuses: number[] = []
  await bench.measure({
    name: `Save a checkpoint of 3 files of 1 KiB to ${where}`,
    contenders: [
      {
        name: 'Holdfast',
        run: async () => {
          step += 1
          const before = await proxy.requests()
          await store.save({ step, files })
          requests = (await proxy.requests()) - before
          return undefined
        },
        verify: async () => {
          const digests = (await store.get('latest'))?.files.map(({ sha256 }) => sha256)
          assertEqual(digests?.join(), Object.values(files).map(sha256Of).join(), 'The digests of the save')
        },
      },
      {
        name: minimum,
        run: async () => {
          const began = performance.now()
          for (let sent = 0; sent < serialRequests; sent += 1) {
            const response = await fetch(proxy.url)
            await response.arrayBuffer()
            statuses.push(response.status)
          }
          return performance.now() - began
        },
        verify: async () => {
          // The server refuses the request, but the proxy must reach it.
          const failed = statuses.find((status) => status >= 500)
          if (failed !== undefined) throw new Error(`The server answered with status ${failed}`)
        },
      },
    ],
    comparisons: [
      {
        text: `${serialRequests} requests one after the other`,
        of: 'Holdfast',
        against: { which: 'fastest', names: [minimum] },
        atMost: 1.3,
      },
    ],
  })
  await bench.measure({
    name: `Requests of a save of 3 files to ${where}`,
    unit: 'requests',
    rounds: 1,
    contenders: [
      {
        name: 'Holdfast',
        run: async () => requests,
        verify: async () => {
          if (requests < serialRequests)
            throw new Error(
              `The proxy saw only ${requests} requests. A save needs at least ${serialRequests}.`,
            )
        },
      },
    ],
  })
}
