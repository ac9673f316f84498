import type { FileContent } from '@holdfast/core'
import type { io } from '@tensorflow/tfjs-core'

/** The file that describes a model, as `tf.io` names it. Its weights are in files beside it. */
export const modelFile = 'model.json'

/**
 * Returns the files of a model in the layout of `tf.io`, so that a restored folder is a model that TensorFlow.js loads from a
 * disk or a web server. The contents are views of the weights, or streams of views: nothing is copied.
 */
export function filesOf(
  artifacts: io.ModelArtifacts,
  shardBytes: number,
): Readonly<Record<string, FileContent>> {
  const { modelTopology, weightSpecs = [], weightData = [], getWeightStream, ...description } = artifacts
  if (modelTopology === undefined || modelTopology instanceof ArrayBuffer)
    throw new TypeError('Only models whose topology is JSON can be saved, such as those of tf.layers.')
  if (getWeightStream !== undefined && artifacts.weightData === undefined)
    throw new TypeError('The weights must be in `weightData`, not in `getWeightStream`.')
  const buffers = Array.isArray(weightData) ? weightData : [weightData]
  const total = buffers.reduce((sum, { byteLength }) => sum + byteLength, 0)
  const count = Math.ceil(total / shardBytes)
  const shards = Array.from({ length: count }, (_, index): [string, FileContent] => [
    `group1-shard${index + 1}of${count}.bin`,
    contentOf(viewsOf(buffers, index * shardBytes, Math.min(total, (index + 1) * shardBytes))),
  ])
  const weightsManifest = [{ paths: shards.map(([name]) => name), weights: weightSpecs }]
  const model = JSON.stringify({ modelTopology, ...description, weightsManifest })
  return { [modelFile]: Buffer.from(model), ...Object.fromEntries(shards) }
}

/** Returns the bytes from `start` to `end` of a row of buffers, without copying them. */
function viewsOf(buffers: readonly ArrayBuffer[], start: number, end: number): readonly Uint8Array[] {
  const views: Uint8Array[] = []
  let offset = 0
  for (const buffer of buffers) {
    const from = Math.max(start - offset, 0)
    const to = Math.min(end - offset, buffer.byteLength)
    if (from < to) views.push(new Uint8Array(buffer, from, to - from))
    offset += buffer.byteLength
  }
  return views
}

function contentOf(views: readonly Uint8Array[]): FileContent {
  const [only, ...others] = views
  if (only !== undefined && others.length === 0) return only
  return {
    stream: ReadableStream.from(views),
    size: views.reduce((sum, { byteLength }) => sum + byteLength, 0),
  }
}
