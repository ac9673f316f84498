/**
 * The training program, as a user would write it. It resumes from the latest checkpoint if there is one, and saves
 * every few steps, with its position in the data. Run it again after any interruption:
 * `node src/train.ts ./runs/digits`. A second store is its mirror: `node src/train.ts ./runs/digits s3://bucket/runs/digits`.
 */
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { openStore } from '@holdfast/core'
import { DataLoader } from '@holdfast/core/data'
import { type Digit, digitAt, loadDigits, shifted } from './digits.ts'
import { type Message } from './messages.ts'
import { Network } from './network.ts'

const seed = 42
const epochs = 3
const saveEvery = 25

const { training, test } = await loadDigits(8000, 2000)
const loader = new DataLoader<Digit>(
  {
    length: training.count,
    get: (index, { random }) => shifted(digitAt(training, index), random.below(3) - 1),
  },
  { order: 'shuffled', seed, batchSize: 64, lastBatch: 'drop', prefetch: 4 },
)
const network = new Network(seed)
let step = 0

const [, , place, mirror] = process.argv
const store = await openStore(place, {
  ...(mirror === undefined ? {} : { mirror: { store: mirror } }),
  objectives: { accuracy: { metric: 'accuracy', direction: 'max' } },
})

const scratch = await mkdtemp(join(tmpdir(), 'holdfast-resume-'))
const resumed = await store.restore('latest', { to: scratch, fallback: true })
if (resumed !== undefined) {
  network.parameters.set(await floatsOf('model.bin'))
  network.velocity.set(await floatsOf('optimizer.bin'))
  loader.loadStateDict(resumed.dataState)
  step = resumed.step
  const from = resumed.source?.from ?? 'store'
  tell({ kind: 'resumed', from, step, bytes: resumed.bytes, epoch: loader.epoch, position: loader.position })
}
await rm(scratch, { recursive: true })

for (let { epoch } = loader; epoch < epochs; epoch += 1) {
  for await (const batch of loader) {
    const loss = network.train(batch)
    await setImmediate() // lets the copy to the mirror go on beside the computation
    step += 1
    if (step % saveEvery === 0 || loader.epoch === epochs) await save(step, epoch, loss)
  }
}

await store.close()
const sha256 = createHash('sha256').update(bytesOf(network.parameters)).digest('hex')
tell({ kind: 'finished', steps: step, accuracy: network.accuracy(test), sha256 })

async function save(step: number, epoch: number, loss: number): Promise<void> {
  const accuracy = network.accuracy(test)
  const saved = await store.save({
    step,
    epoch,
    files: { 'model.bin': bytesOf(network.parameters), 'optimizer.bin': bytesOf(network.velocity) },
    metrics: { loss, accuracy },
    dataState: loader.stateDict(),
    onProgress: ({ bytes, total = 0 }) => {
      tell({ kind: 'saving', step, bytes, total })
    },
  })
  tell({ kind: 'saved', step, loss, accuracy, best: saved.bestOf.includes('accuracy') })
}

function tell(message: Message): void {
  if (process.send !== undefined) process.send(message)
  else if (message.kind !== 'saving') console.log(message)
}

async function floatsOf(name: string): Promise<Float32Array> {
  const bytes = await readFile(join(scratch, name))
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / Float32Array.BYTES_PER_ELEMENT)
}

function bytesOf(floats: Float32Array): Uint8Array {
  return new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength)
}
