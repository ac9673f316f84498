/**
 * A training that can be killed at any time: `node src/train.ts ./runs/moons`. It resumes from the latest checkpoint, in the
 * middle of an epoch, and ends with the same weights, bit for bit, as without an interruption.
 */
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from '@holdfast/core'
import { DataLoader, type SeededRandom } from '@holdfast/core/data'
import '@tensorflow/tfjs-backend-cpu'
import * as tf from '@tensorflow/tfjs-core'
import { initializers, layers, type LayersModel, loadLayersModel, sequential } from '@tensorflow/tfjs-layers'
import { holdfast, restored } from './index.ts'

/** A point, and on which of two arcs it lies. */
type Sample = readonly [x: number, y: number, arc: number]

/** What the program tells a parent process. */
export type Message =
  | { readonly kind: 'resumed' | 'saved'; readonly step: number }
  | { readonly kind: 'saving'; readonly step: number; readonly bytes: number; readonly total: number }
  | { readonly kind: 'finished'; readonly step: number; readonly sha256: string }

const epochs = 4
const saveEvery = 5

const loader = new DataLoader<Sample>(
  { length: 320, get: (_, { random }) => sampleOf(random) },
  { order: 'shuffled', seed: 7, batchSize: 32, lastBatch: 'drop' },
)

const [, , place] = process.argv
await using store = await openStore(place, {
  objectives: { loss: { metric: 'loss', direction: 'min' } },
  retention: { keepLast: 3, keepBest: { loss: 1 } },
})

const scratch = await mkdtemp(join(tmpdir(), 'holdfast-resume-'))
const resumed = await store.restore('latest', { to: scratch, fallback: true })
const model = resumed === undefined ? newModel() : await loadLayersModel(restored(resumed))
await rm(scratch, { recursive: true })
let step = 0
if (resumed !== undefined) {
  loader.loadStateDict(resumed.dataState)
  step = resumed.step
  tell({ kind: 'resumed', step })
}

while (loader.epoch < epochs) {
  for await (const batch of loader) {
    const loss = await train(model, batch)
    step += 1
    if (step % saveEvery === 0) await save(step, loss)
  }
}
tell({ kind: 'finished', step, sha256: await digestOf(model) })

function newModel(): LayersModel {
  const kernelInitializer = (seed: number) => initializers.glorotUniform({ seed })
  const made = sequential({
    layers: [
      layers.dense({
        units: 64,
        inputShape: [2],
        activation: 'relu',
        kernelInitializer: kernelInitializer(1),
      }),
      layers.dense({ units: 64, activation: 'relu', kernelInitializer: kernelInitializer(2) }),
      layers.dense({ units: 1, activation: 'sigmoid', kernelInitializer: kernelInitializer(3) }),
    ],
  })
  made.compile({ optimizer: tf.train.momentum(0.1, 0.9), loss: 'binaryCrossentropy' })
  return made
}

async function train(model: LayersModel, batch: readonly Sample[]): Promise<number> {
  const points = tf.tensor2d(batch.map(([x, y]) => [x, y]))
  const arcs = tf.tensor2d(batch.map(([, , arc]) => [arc]))
  const loss = await model.trainOnBatch(points, arcs)
  tf.dispose([points, arcs])
  return Array.isArray(loss) ? (loss[0] ?? NaN) : loss
}

async function save(step: number, loss: number): Promise<void> {
  const handler = holdfast(store, {
    step,
    epoch: loader.epoch,
    metrics: { loss },
    dataState: loader.stateDict(),
    onProgress: ({ bytes, total = 0 }) => {
      tell({ kind: 'saving', step, bytes, total })
    },
  })
  await model.save(handler, { includeOptimizer: true })
  tell({ kind: 'saved', step })
}

function sampleOf(random: SeededRandom): Sample {
  const arc = random.below(2)
  const angle = (random.below(1000) / 1000) * Math.PI
  const noise = random.below(100) / 500
  return arc === 0
    ? [Math.cos(angle) + noise, Math.sin(angle) + noise, 0]
    : [1 - Math.cos(angle) - noise, 0.5 - Math.sin(angle) - noise, 1]
}

async function digestOf(model: LayersModel): Promise<string> {
  const hash = createHash('sha256')
  for (const weight of model.getWeights()) hash.update(await weight.data())
  return hash.digest('hex')
}

function tell(message: Message): void {
  if (process.send !== undefined) process.send(message)
  else if (message.kind !== 'saving') console.log(message)
}
