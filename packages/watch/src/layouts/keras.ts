import type { Layout } from './layout.ts'
import { readSingleFile } from './single-file.ts'

/** Files of Keras's ModelCheckpoint: `*.keras` is a zip archive, `*.weights.h5` an HDF5 file. */
export const keras: Layout = {
  name: 'keras',
  title: 'Keras files (*.keras, *.weights.h5)',
  patterns: ['*.keras', '*.weights.h5'],
  read: (contents) => readSingleFile(contents),
}
