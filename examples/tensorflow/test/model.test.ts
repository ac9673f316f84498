import { mkdtemp, readFile, rename, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { adapter } from '@holdfast/adapter-fs'
import { type CheckpointStore, openStore } from '@holdfast/core'
import '@tensorflow/tfjs-backend-cpu'
import * as tf from '@tensorflow/tfjs-core'
import { initializers, layers, type LayersModel, loadLayersModel, sequential } from '@tensorflow/tfjs-layers'
import { describe, expect, test } from 'vitest'
import { holdfast, restored } from '../src/index.ts'
import { filesOf } from '../src/files.ts'

tf.env().set('IS_TEST', true) // no advice on standard error

const objectives = { loss: { metric: 'loss', direction: 'min' } } as const

function newModel(seed: number): LayersModel {
  const kernelInitializer = initializers.glorotUniform({ seed })
  const hidden = layers.dense({ units: 5, inputShape: [3], kernelInitializer })
  const model = sequential({ layers: [hidden, layers.dense({ units: 2, kernelInitializer })] })
  model.compile({ optimizer: tf.train.rmsprop(0.01, 0.9, 0.5), loss: 'meanSquaredError' })
  return model
}

async function train(model: LayersModel): Promise<void> {
  await model.trainOnBatch(tf.tensor2d([[1, 2, 3]]), tf.tensor2d([[1, 0]]))
}

function weightsOf(model: LayersModel): readonly (readonly number[])[] {
  return model.getWeights().map((weight) => Array.from(weight.dataSync()))
}

async function newStore(): Promise<{ readonly store: CheckpointStore<'loss'>; readonly folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-tensorflow-'))
  return { store: await openStore(folder, { adapters: [adapter], config: false, objectives }), folder }
}

test('loads the best model, and trains it further as the saved one', async () => {
  const { store } = await newStore()
  const saved = newModel(1)
  await train(saved)
  const shown = await saved.save(holdfast(store, { step: 1, metrics: { loss: 0.5 } }), {
    includeOptimizer: true,
  })
  expect(shown.modelArtifactsInfo.dateSaved).toEqual((await store.latest())?.savedAt)
  await newModel(2).save(holdfast(store, { step: 2, metrics: { loss: 0.9 } }))
  const loaded = await loadLayersModel(holdfast(store, 'best:loss'))
  expect(weightsOf(loaded)).toEqual(weightsOf(saved))
  for (const model of [saved, loaded]) await train(model)
  expect(weightsOf(loaded)).toEqual(weightsOf(saved))
  await store.close()
})

test('loads weights that lie across shards, without joining the shards', async () => {
  const { store } = await newStore()
  const model = newModel(3)
  await model.save(holdfast(store, { step: 1, shardBytes: 50 }))
  const names = (await store.get('latest'))?.files.map(({ name }) => name)
  expect(names).toContain('group1-shard1of3.bin')
  const { weightData } = (await holdfast(store, 1).load?.()) ?? {}
  expect(Array.isArray(weightData) && weightData.map(({ byteLength }) => byteLength)).toEqual([50, 50, 28])
  expect(weightsOf(await loadLayersModel(holdfast(store, 1)))).toEqual(weightsOf(model))
  await store.close()
})

describe('the files of a model', () => {
  const artifacts = { modelTopology: {}, weightSpecs: [] }
  const bytes = Uint8Array.from({ length: 100 }, (_, index) => index)

  test('are views of the weights', () => {
    const files = filesOf({ ...artifacts, weightData: bytes.buffer }, 60)
    expect(Object.keys(files)).toEqual(['model.json', 'group1-shard1of2.bin', 'group1-shard2of2.bin'])
    const shard = files['group1-shard2of2.bin'] as Uint8Array
    expect([shard.buffer === bytes.buffer, shard.byteOffset, shard.byteLength]).toEqual([true, 60, 40])
  })

  test('are the same for one buffer and for several', async () => {
    const { store } = await newStore()
    const several = [bytes.slice(0, 33).buffer, new ArrayBuffer(0), bytes.slice(33).buffer]
    await store.save({ step: 1, files: filesOf({ ...artifacts, weightData: bytes.buffer }, 30) })
    await store.save({ step: 2, files: filesOf({ ...artifacts, weightData: several }, 30) })
    const [one, other] = await Promise.all([store.get(1), store.get(2)])
    expect(one?.files).toHaveLength(5)
    expect(other?.files.map(({ sha256 }) => sha256)).toEqual(one?.files.map(({ sha256 }) => sha256))
    await store.close()
  })

  test.each([
    ['a topology that is not JSON', { modelTopology: new ArrayBuffer(1) }, 'whose topology is JSON'],
    ['weights as a stream', { ...artifacts, getWeightStream: () => new ReadableStream() }, '`weightData`'],
  ])('do not exist for %s', (_, given, message) => {
    expect(() => filesOf(given, 30)).toThrow(message)
  })
})

test('a restored folder is a model that TensorFlow.js loads from a web server', async () => {
  const { store, folder } = await newStore()
  const model = newModel(4)
  await model.save(holdfast(store, { step: 1, shardBytes: 64 }))
  const at = await store.restore('latest', { to: join(folder, '..', `${basename(folder)}-restored`) })
  const served = tf.io.http('http://models/model.json', {
    fetchFunc: async (url) => {
      const path = at?.restored.find(({ name }) => new Request(url).url.endsWith(`/${name}`))?.path ?? ''
      const headers = {
        'content-type': path.endsWith('.json') ? 'application/json' : 'application/octet-stream',
      }
      return new Response(await readFile(path), { headers })
    },
  })
  expect(weightsOf(await loadLayersModel(served))).toEqual(weightsOf(model))
  if (at !== undefined) expect(weightsOf(await loadLayersModel(restored(at)))).toEqual(weightsOf(model))
  await store.close()
})

describe('no model is loaded', () => {
  test('from an empty store', async () => {
    const { store } = await newStore()
    await expect(loadLayersModel(holdfast(store, 'latest'))).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await store.close()
  })

  test('from a flipped bit', async () => {
    const { store, folder } = await newStore()
    await newModel(5).save(holdfast(store, { step: 1 }))
    const { key } = (await store.get(1))?.files.find(({ name }) => name.endsWith('.bin')) ?? { key: '' }
    const weights = await readFile(join(folder, key))
    weights.writeUInt8(weights.readUInt8(7) ^ 1, 7)
    await writeFile(join(folder, 'flipped'), weights)
    await rename(join(folder, 'flipped'), join(folder, key))
    await expect(loadLayersModel(holdfast(store, 1))).rejects.toMatchObject({ code: 'CORRUPT' })
    await store.close()
  })

  test('from a checkpoint that is not a model', async () => {
    const { store, folder } = await newStore()
    await store.save({ step: 1, files: { 'a.bin': Buffer.from('a') } })
    await expect(loadLayersModel(holdfast(store, 1))).rejects.toMatchObject({ code: 'NOT_FOUND' })
    const at = await store.restore(1, { to: `${folder}-restored` })
    if (at !== undefined) await expect(loadLayersModel(restored(at))).rejects.toThrow('is not a model')
    await store.close()
  })

  test('from two versions of a step that is replaced meanwhile', async () => {
    const { store } = await newStore()
    await newModel(6).save(holdfast(store, { step: 1, metrics: { loss: 1 } }))
    const before = await store.get(1)
    await newModel(7).save(holdfast(store, { step: 1, onExisting: 'replace', allowBest: true }))
    // A store whose answer to `get` is that of the moment before.
    const late = Object.assign(Object.create(store) as CheckpointStore, {
      get: async () => before,
      read: store.read.bind(store),
    })
    await expect(loadLayersModel(holdfast(late, 1))).rejects.toThrow('was replaced meanwhile')
    await store.close()
  })
})
