/**
 * The job: what a user would write. It trains, saves every few steps with its position in the data, and begins by
 * looking for a checkpoint to go on from. Run it as often as you like: `node src/train.ts ./runs/digits`.
 */
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from '@holdfast/core'
import { loadDigits } from './digits.ts'
import { type Message } from './messages.ts'
import { Network } from './network.ts'
import { shuffled } from './random.ts'

const seed = 42
const epochs = 3
const batchSize = 64
const saveEvery = 25

const { training, test } = await loadDigits(8000, 2000)
const batches = Math.floor(training.count / batchSize)
const network = new Network(seed)
let position = { epoch: 0, batch: 0 }

await using store = await openStore(process.argv[2], {
  objectives: { accuracy: { metric: 'accuracy', direction: 'max' } },
})

const scratch = await mkdtemp(join(tmpdir(), 'holdfast-resume-'))
const resumed = await store.restore('latest', { to: scratch, fallback: true })
if (resumed !== undefined) {
  network.parameters.set(await floatsOf('model.bin'))
  network.velocity.set(await floatsOf('optimizer.bin'))
  position = positionOf(resumed.dataState)
  tell({ kind: 'resumed', step: resumed.step, bytes: resumed.bytes, ...position })
}
await rm(scratch, { recursive: true })

for (let { epoch, batch } = position; epoch < epochs; epoch += 1, batch = 0) {
  const order = shuffled(training.count, seed + epoch)
  for (; batch < batches; batch += 1) {
    const loss = network.train(training, order.subarray(batch * batchSize, (batch + 1) * batchSize))
    const step = epoch * batches + batch + 1
    if (step % saveEvery === 0 || step === epochs * batches)
      await save(step, { epoch, batch: batch + 1 }, loss)
  }
}

const sha256 = createHash('sha256').update(bytesOf(network.parameters)).digest('hex')
tell({ kind: 'finished', steps: epochs * batches, accuracy: network.accuracy(test), sha256 })

async function save(step: number, dataState: { epoch: number; batch: number }, loss: number): Promise<void> {
  const accuracy = network.accuracy(test)
  const saved = await store.save({
    step,
    epoch: dataState.epoch,
    files: { 'model.bin': bytesOf(network.parameters), 'optimizer.bin': bytesOf(network.velocity) },
    metrics: { loss, accuracy },
    dataState,
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

function positionOf(dataState: unknown): { epoch: number; batch: number } {
  if (typeof dataState === 'object' && dataState !== null && 'epoch' in dataState && 'batch' in dataState) {
    return { epoch: Number(dataState.epoch), batch: Number(dataState.batch) }
  }
  throw new Error(`The checkpoint has no position in the data: ${JSON.stringify(dataState)}`)
}
