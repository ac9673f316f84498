import { background } from './background.ts'
import { catalogGrowth } from './catalog-growth.ts'
import { fileSystem } from './fs.ts'
import type { Bench } from './harness/bench.ts'
import { distance } from './latency.ts'
import { memory } from './memory.ts'
import { smallOnStore } from './many-small.ts'
import { mirror } from './mirror.ts'
import { neighbour } from './neighbour.ts'
import { onStore } from './object-stores.ts'
import { sampler } from './sampler.ts'
import { smallFiles } from './small-files.ts'
import { startUp } from './start-up.ts'
import { unchangedFiles } from './unchanged.ts'

/** The groups of work by the name that `pnpm bench` takes, in the order of the report. */
export const groups: Readonly<Record<string, (bench: Bench) => Promise<void>>> = {
  fs: fileSystem,
  'small-files': smallFiles,
  unchanged: unchangedFiles,
  'catalog-growth': catalogGrowth,
  'start-up': startUp,
  background,
  neighbour,
  sampler,
  s3: onStore('s3'),
  gcs: onStore('gcs'),
  azure: onStore('azure'),
  'small-s3': smallOnStore('s3'),
  'small-gcs': smallOnStore('gcs'),
  'small-azure': smallOnStore('azure'),
  mirror,
  latency: distance,
  memory,
}
