import { createReadStream } from 'node:fs'
import type { Restored } from '@holdfast/core'
import type { io } from '@tensorflow/tfjs-core'
import { artifactsFrom } from './artifacts.ts'

/**
 * Returns a handler that loads the model of a restored checkpoint. To resume a run, restore first: `store.restore` passes over
 * corrupt checkpoints and looks at the mirror, too.
 */
export function restored({ restored: files }: Pick<Restored, 'restored'>): io.IOHandler {
  const byName = new Map(files.map((file) => [file.name, file]))
  const load = (): Promise<io.ModelArtifacts> =>
    artifactsFrom(async (name) => {
      const file = byName.get(name)
      if (file === undefined)
        throw new Error(`The restored checkpoint has no file ${name}, so it is not a model.`)
      return { size: file.size, body: createReadStream(file.path) }
    })
  return { load }
}
