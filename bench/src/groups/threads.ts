import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { S3Backend } from '@holdfast/adapter-s3'
import { chunksOf, ConcurrentHash } from '@holdfast/core/backend'
import { makeCertificates } from '@holdfast/test-servers'
import { publishThreads } from '../fixtures/published-threads.ts'
import type { Bench } from '../harness/bench.ts'
import { assertEqual, type Sample, writeSample } from '../harness/bytes.ts'
import { setVariables } from '../harness/variables.ts'
import type { Comparison, Contender } from '../harness/work.ts'
import { type CheapServer, cheapDigest, startCheapServer } from '../stores/cheap-server.ts'

/** Bytes per millisecond. One connection of this speed counts as fast, so one thread reads over one connection. */
const throttled = 150_000

/** Smaller files are sent by the SDK on the main thread. */
const smallestSent = 33 * 2 ** 20

/** Measures what more threads do for a large file: with a server that costs next to nothing, and with a throttled one. */
export async function threads(bench: Bench): Promise<void> {
  const { bytes } = bench.scale
  await publishThreads()
  await receiving(bench, bytes, 'a server that sends from one buffer', 0)
  await receiving(bench, bytes, 'a server that sends 150 MB/s over each connection', throttled)
  const sample = await writeSample(join(bench.folder, 'sample.bin'), Math.max(bytes, smallestSent))
  await sending(bench, sample, 'a server that forgets the bytes', await startCheapServer(0))
  await sendingThrottled(bench, sample)
  await sendingOverTls(bench, sample)
}

async function receiving(bench: Bench, size: number, where: string, rate: number): Promise<void> {
  await using server = await startCheapServer(size, rate)
  await using started = openStore(server.url, 2)
  const receive: Transfer = (backend) => receiveAndHash(backend, size)
  const expected = cheapDigest(size)
  const contenders = contendersOf(bench, server.url, expected, receive)
  await bench.measure({
    name: `Receive and hash a file from ${where}`,
    bytes: size,
    contenders: rate > 0 ? contenders : [...contenders, inStartedThreads(started.backend, expected, receive)],
    comparisons: rate > 0 ? [{ ...twoAgainstOne, role: 'time', atMost: 0.6 }] : costsNothing,
  })
  if (rate === 0) await onMainThread(bench, `a file from ${where}`, size, contenders)
}

const twoAgainstOne = {
  text: nameOf(1),
  of: nameOf(2),
  against: { which: 'fastest', names: [nameOf(1)] },
} as const satisfies Comparison

const startedThreads = '2 threads that run already'

/** On two processors, a second thread must not cost processor time: with the start of the threads, and without it. */
const costsNothing: readonly Comparison[] = [nameOf(2), startedThreads].map((of) => {
  return { ...twoAgainstOne, of, role: 'other peer', measured: 'processor', atMost: 1.1 }
})

/** Ends the server. */
async function sending(bench: Bench, sample: Sample, where: string, server: CheapServer): Promise<void> {
  await using _ = server
  await using started = openStore(server.url, 2)
  const send: Transfer = (backend) => hashAndSend(backend, sample)
  const contenders = contendersOf(bench, server.url, sample.sha256, send)
  await bench.measure({
    name: `Hash and send a file to ${where}`,
    bytes: sample.size,
    contenders: [...contenders, inStartedThreads(started.backend, sample.sha256, send)],
    comparisons: costsNothing,
  })
  await onMainThread(bench, `a file to ${where}`, sample.size, contenders)
}

/** Four parts are sent at once with any number of threads, so the time must not change. */
async function sendingThrottled(bench: Bench, sample: Sample): Promise<void> {
  await using server = await startCheapServer(0, throttled)
  await bench.measure({
    name: 'Hash and send a file to a server that takes 150 MB/s over each connection',
    bytes: sample.size,
    contenders: contendersOf(bench, server.url, sample.sha256, (backend) => hashAndSend(backend, sample)),
    comparisons: [{ ...twoAgainstOne, role: 'time', atMost: 1.1 }],
  })
}

async function sendingOverTls(bench: Bench, sample: Sample): Promise<void> {
  const where = 'a server with TLS that forgets the bytes'
  if (spawnSync('openssl', ['version']).status !== 0) {
    bench.leaveOut(where, 'this machine has no openssl')
    return
  }
  const certificates = await makeCertificates(bench.folder)
  const restore = setVariables({ AWS_CA_BUNDLE: certificates.authority })
  try {
    await sending(bench, sample, where, await startCheapServer(0, 0, certificates))
  } finally {
    restore()
  }
}

function nameOf(threads: number): string {
  return threads === 1 ? 'one thread' : `${threads} threads`
}

function backendAt(endpoint: string, threads: number): S3Backend {
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' }
  return new S3Backend('bucket', '', { endpoint, region: 'r', credentials, threads })
}

/** Opens a store that the caller closes. */
function openStore(endpoint: string, threads: number): AsyncDisposable & { readonly backend: S3Backend } {
  const backend = backendAt(endpoint, threads)
  return { backend, [Symbol.asyncDispose]: () => backend.close() }
}

/** Transfers an object. Returns the SHA-256 of its bytes. */
type Transfer = (backend: S3Backend) => Promise<string>

/** Sends a file as a save does. */
async function hashAndSend(backend: S3Backend, { path, size }: Sample): Promise<string> {
  return (await backend.put('object', { path }, { size })).sha256
}

/** Receives the object as a restore does, without a disk. */
async function receiveAndHash(backend: S3Backend, size: number): Promise<string> {
  const object = await backend.read('object')
  const hash = new ConcurrentHash('sha256')
  try {
    let hashed: Promise<void> | undefined
    for await (const chunk of chunksOf(object, size, allocateShared)) {
      await hashed
      hashed = hash.update(chunk)
    }
    await hashed
    return await hash.digest()
  } finally {
    hash.abandon() // without effect if the digest is known
  }
}

/** Each opens a store for each transfer, which starts its threads. */
function contendersOf(
  bench: Bench,
  endpoint: string,
  expected: string,
  transfer: Transfer,
): readonly Contender[] {
  return bench.scale.threads.map((count) =>
    contender(nameOf(count), expected, async () => {
      await using opened = openStore(endpoint, count)
      return await transfer(opened.backend)
    }),
  )
}

/** Transfers in a store that stays open. A transfer that is not measured starts its threads. */
function inStartedThreads(backend: S3Backend, expected: string, transfer: Transfer): Contender {
  let first: Promise<string> | undefined
  return {
    ...contender(startedThreads, expected, () => transfer(backend)),
    async prepare() {
      first ??= transfer(backend)
      await first
    },
  }
}

/** `transfer` returns the SHA-256 of the bytes. */
function contender(name: string, expected: string, transfer: () => Promise<string>): Contender {
  let digest = ''
  return {
    name,
    async run() {
      digest = await transfer()
      return undefined
    },
    async verify() {
      assertEqual(digest, expected, 'The digest of the transferred bytes')
    },
  }
}

/** Measures the processor time of the main thread. */
async function onMainThread(
  bench: Bench,
  what: string,
  bytes: number,
  contenders: readonly Contender[],
): Promise<void> {
  const name = `Processor time of the main thread for ${what}`
  // Node.js 22 does not know it: https://nodejs.org/api/process.html#processthreadcpuusagepreviousvalue.
  if (!('threadCpuUsage' in process)) {
    bench.leaveOut(name, 'this Node.js does not count it')
    return
  }
  const measured = contenders.map((contender) => ({
    ...contender,
    async run() {
      const before = process.threadCpuUsage()
      await contender.run()
      const { user, system } = process.threadCpuUsage(before)
      return (user + system) / 1000
    },
  }))
  await bench.measure({ name, bytes, contenders: measured })
}

function allocateShared(bytes: number): Uint8Array {
  return Buffer.from(new SharedArrayBuffer(bytes))
}
