import { factsOfName } from '../names/name-facts.ts'
import { foreign, type Layout } from './layout.ts'
import { readSingleFile, stemOf } from './single-file.ts'

/** Files of Lightning's ModelCheckpoint, whose names contain step, epoch and metrics. */
export const lightning: Layout = {
  name: 'lightning',
  title: 'Lightning checkpoints (epoch=N-step=N.ckpt)',
  patterns: [
    '*=*.ckpt',
    'checkpoints/*=*.ckpt',
    'lightning_logs/version_*/checkpoints/*=*.ckpt',
    'version_*/checkpoints/*=*.ckpt',
  ],
  read: async (contents) => {
    const { step, epoch } = factsOfName(stemOf(contents.name))
    return step === undefined && epoch === undefined ? foreign : readSingleFile(contents)
  },
}
