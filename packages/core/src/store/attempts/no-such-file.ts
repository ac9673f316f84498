import { HoldfastError } from '../../errors.ts'
import { nearestNames } from '../../input/nearest-name.ts'

/** The largest number of names in an error. */
const mostNamed = 3

/** Creates the error for a file that a checkpoint does not have. It lists the files with the most similar names. */
export function noSuchFile(step: number, name: string, files: readonly string[]): HoldfastError {
  const named = nearestNames(name, files, mostNamed)
    .map((file) => JSON.stringify(file))
    .join(', ')
  return new HoldfastError(
    'NOT_FOUND',
    files.length <= mostNamed
      ? `Step ${step} has no file ${JSON.stringify(name)}. It has ${named}.`
      : `Step ${step} has no file ${JSON.stringify(name)}. The nearest of its ${files.length} files are ${named}.`,
  )
}
