import type { Selection } from './run-groups.ts'

const mebibyte = 2 ** 20

/** Minutes for all groups together. Groups that do not begin by then are left out. */
export const wholeMinutes = 60

/** What `npx -y pnpm@12 bench quick` measures: the questions that most users ask. */
export const quickSelection: Selection = {
  names: ['fs', 's3', 'small-files', 'small-s3', 'command-line'],
  scale: {
    rounds: 3,
    bytes: 256 * mebibyte,
    files: 500,
  },
  minutes: 5,
  share: 0.28,
  options: [],
}
