import type { io } from '@tensorflow/tfjs-core'
import { modelFile } from './files.ts'

/** A file of a checkpoint. Its body ends without an error only if every byte is verified. */
export interface OpenedFile {
  /** In bytes. */
  readonly size: number
  readonly body: AsyncIterable<Uint8Array>
}

/**
 * Reads a model whose files `open` returns. Each shard is received into a buffer of its own. TensorFlow.js reads tensors across
 * these buffers (`tf.io.CompositeArrayBuffer`), so the weights are never joined into one.
 */
export async function artifactsFrom(open: (name: string) => Promise<OpenedFile>): Promise<io.ModelArtifacts> {
  const model = new TextDecoder().decode(await received(await open(modelFile)))
  // Only `filesOf` and the tools of TensorFlow.js write this file.
  const { weightsManifest, ...description } = JSON.parse(model) as io.ModelJSON
  const weightData: ArrayBuffer[] = []
  for (const { paths } of weightsManifest)
    for (const path of paths) weightData.push(await received(await open(path)))
  return { ...description, weightSpecs: weightsManifest.flatMap(({ weights }) => weights), weightData }
}

async function received({ size, body }: OpenedFile): Promise<ArrayBuffer> {
  const bytes = new Uint8Array(size)
  let offset = 0
  for await (const chunk of body) {
    bytes.set(chunk, offset)
    offset += chunk.byteLength
  }
  return bytes.buffer
}
