import { S3Backend } from '@holdfast/adapter-s3'
import { chunksOf, ConcurrentHash } from '@holdfast/core/backend'
import type { Bench } from './harness/bench.ts'
import { assertEqual } from './harness/bytes.ts'
import type { Contender } from './harness/work.ts'
import { cheapDigest, startCheapServer } from './stores/cheap-server.ts'

/** Bytes per millisecond. One connection of this speed counts as fast, so one thread reads over one connection. */
const throttled = 150_000

/** Measures what more threads do for a large file: with a server that costs next to nothing, and with a throttled one. */
export async function threads(bench: Bench): Promise<void> {
  const { bytes } = bench.scale
  await receiving(bench, bytes, 'a server that sends from one buffer', 0)
  await receiving(bench, bytes, 'a server that sends 150 MB/s over each connection', throttled)
}

async function receiving(bench: Bench, size: number, where: string, rate: number): Promise<void> {
  await using server = await startCheapServer(size, rate)
  const expected = cheapDigest(size)
  const contenders = bench.scale.threads.map((count) => receiver(server.url, size, expected, count))
  const [one, two] = [nameOf(1), nameOf(2)]
  const comparison = { text: one, of: two, against: { which: 'fastest', names: [one] } } as const
  await bench.measure({
    name: `Receive and hash a file from ${where}`,
    bytes: size,
    contenders,
    comparisons: [
      rate > 0
        ? { ...comparison, role: 'time', atMost: 0.6 }
        : { ...comparison, role: 'other peer', measured: 'processor', atMost: 1.1 },
    ],
  })
  if (rate > 0) return
  const ofMain = `Processor time of the main thread for a file from ${where}`
  // Node.js 22 does not know it: https://nodejs.org/api/process.html#processthreadcpuusagepreviousvalue.
  if (!('threadCpuUsage' in process)) bench.leaveOut(ofMain, 'this Node.js does not count it')
  else await bench.measure({ name: ofMain, bytes: size, contenders: contenders.map(onMainThread) })
}

function nameOf(threads: number): string {
  return threads === 1 ? 'one thread' : `${threads} threads`
}

/** Receives the object as a restore does, without a disk. */
function receiver(endpoint: string, size: number, expected: string, threads: number): Contender {
  const options = { endpoint, region: 'r', credentials: { accessKeyId: 'a', secretAccessKey: 'b' }, threads }
  let digest = ''
  return {
    name: nameOf(threads),
    async run() {
      const backend = new S3Backend('bucket', '', options)
      try {
        const object = await backend.read('object')
        const hash = new ConcurrentHash('sha256')
        try {
          let hashed: Promise<void> | undefined
          for await (const chunk of chunksOf(object, size, allocateShared)) {
            await hashed
            hashed = hash.update(chunk)
          }
          await hashed
          digest = await hash.digest()
        } finally {
          hash.abandon() // without effect if the digest is known
        }
      } finally {
        await backend.close()
      }
      return undefined
    },
    async verify() {
      assertEqual(digest, expected, 'The digest of the received bytes')
    },
  }
}

function onMainThread(contender: Contender): Contender {
  return {
    ...contender,
    async run() {
      const before = process.threadCpuUsage()
      await contender.run()
      const { user, system } = process.threadCpuUsage(before)
      return (user + system) / 1000
    },
  }
}

function allocateShared(bytes: number): Uint8Array {
  return Buffer.from(new SharedArrayBuffer(bytes))
}
