import { type CheckpointChoice, type CheckpointStore, HoldfastError, type SaveRequest } from '@holdfast/core'
import type { io } from '@tensorflow/tfjs-core'
import { artifactsFrom } from './artifacts.ts'
import { filesOf } from './files.ts'

/** What is saved with a model. */
export interface ModelOptions extends Omit<SaveRequest, 'files'> {
  /** The size in bytes of the files that contain the weights. Default: 64 MiB. */
  readonly shardBytes?: number | undefined
}

const defaultShardBytes = 64 * 2 ** 20

/**
 * Returns a handler for `model.save` if it gets options, and for `tf.loadLayersModel` if it gets a choice: a step, `latest`,
 * `best` or `best:OBJECTIVE`.
 *
 * A save resolves when the checkpoint is durable, and rejects as `store.save` does. A load verifies every byte before the model
 * exists. It rejects with `NOT_FOUND` if there is no such checkpoint, and with `CORRUPT`.
 */
export function holdfast<Name extends string>(
  store: CheckpointStore<Name>,
  given: ModelOptions | CheckpointChoice<Name>,
): io.IOHandler {
  return typeof given === 'object'
    ? { save: (artifacts) => save(store, given, artifacts) }
    : { load: () => load(store, given) }
}

async function save<Name extends string>(
  store: CheckpointStore<Name>,
  { shardBytes = defaultShardBytes, ...request }: ModelOptions,
  artifacts: io.ModelArtifacts,
): Promise<io.SaveResult> {
  const { savedAt } = await store.save({ ...request, files: filesOf(artifacts, shardBytes) })
  return { modelArtifactsInfo: { dateSaved: savedAt, modelTopologyType: 'JSON' } }
}

async function load<Name extends string>(
  store: CheckpointStore<Name>,
  choice: CheckpointChoice<Name>,
): Promise<io.ModelArtifacts> {
  const checkpoint = await store.get(choice)
  if (checkpoint === undefined)
    throw new HoldfastError('NOT_FOUND', `${store.url} has no such checkpoint. Save the model first.`)
  const digests = new Map(checkpoint.files.map(({ name, sha256 }) => [name, sha256]))
  return artifactsFrom(async (name) => {
    const file = await store.read(checkpoint.step, name)
    if (file.sha256 === digests.get(name)) return file
    // Files of two models must not be mixed.
    await file.body.cancel()
    throw new HoldfastError('NOT_FOUND', `Step ${checkpoint.step} was replaced meanwhile. Load it again.`)
  })
}
