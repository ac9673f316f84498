import { background } from './groups/background.ts'
import { catalogGrowth } from './groups/catalog-growth.ts'
import { commandLine } from './groups/command-line.ts'
import { fileSystem } from './groups/fs.ts'
import type { Group } from './harness/group.ts'
import { largeOnStore } from './groups/large-on-stores.ts'
import { latency } from './groups/latency.ts'
import { limits } from './groups/limits.ts'
import { memory } from './groups/memory.ts'
import { smallOnStore } from './groups/small-on-stores.ts'
import { mirror } from './groups/mirror.ts'
import { neighbour } from './groups/neighbour.ts'
import { oneFile } from './groups/one-file.ts'
import { page } from './groups/page.ts'
import { runs } from './groups/runs.ts'
import { sampler } from './groups/sampler.ts'
import { smallFiles } from './groups/small-files.ts'
import { threads } from './groups/threads.ts'
import { unchangedFiles } from './groups/unchanged.ts'

const mebibyte = 2 ** 20

/**
 * The groups of work by the name that `npx -y pnpm@12 bench` takes, in the order in which it runs them. The most common questions come
 * first. The minutes add up to at most 60.
 */
export const groups: Readonly<Record<string, Group>> = {
  fs: { run: fileSystem, works: 6, minutes: 5, scale: { bytes: 512 * mebibyte } },
  s3: { run: largeOnStore('s3'), works: 2, minutes: 4.5, scale: { rounds: 5, bytes: 512 * mebibyte } },
  'small-s3': { run: smallOnStore('s3'), works: 2, minutes: 3, scale: { rounds: 3, files: 2000 } },
  'small-files': { run: smallFiles, works: 2, minutes: 3, scale: { rounds: 5, files: 4000 } },
  tls: { run: largeOnStore('tls'), works: 2, minutes: 4, scale: { rounds: 5, bytes: 512 * mebibyte } },
  neighbour: { run: neighbour, works: 2, minutes: 2, scale: { backgroundBytes: 96 * mebibyte } },
  limits: { run: limits, works: 1, minutes: 2, scale: { rounds: 3, bytes: 256 * mebibyte } },
  'command-line': { run: commandLine, works: 2, minutes: 2 },
  azure: { run: largeOnStore('azure'), works: 2, minutes: 3, scale: { rounds: 5, bytes: 512 * mebibyte } },
  // This server takes a minute for 1 GiB from rclone.
  gcs: { run: largeOnStore('gcs'), works: 2, minutes: 3.5, scale: { rounds: 3, bytes: 256 * mebibyte } },
  threads: { run: threads, works: 8, minutes: 2, scale: { rounds: 3, bytes: 512 * mebibyte } },
  'small-gcs': { run: smallOnStore('gcs'), works: 2, minutes: 2.5, scale: { rounds: 3, files: 1000 } },
  'small-azure': { run: smallOnStore('azure'), works: 2, minutes: 2, scale: { rounds: 3, files: 1000 } },
  background: { run: background, works: 2, minutes: 1 },
  unchanged: { run: unchangedFiles, works: 3, minutes: 4, scale: { rounds: 3, bytes: 4096 * mebibyte } },
  memory: { run: memory, works: 4, minutes: 4, scale: { rounds: 3 } },
  mirror: { run: mirror, works: 4, minutes: 3, scale: { rounds: 3, bytes: 512 * mebibyte } },
  latency: { run: latency, works: 9, minutes: 4, scale: { rounds: 3, bytes: 128 * mebibyte } },
  'catalog-growth': { run: catalogGrowth, works: 6, minutes: 2, scale: { rounds: 5 } },
  sampler: { run: sampler, works: 2, minutes: 1 },
  'one-file': { run: oneFile, works: 0, minutes: 0.5 },
  page: { run: page, works: 2, minutes: 1 },
  runs: { run: runs, works: 1, minutes: 1 },
}
