/** `@holdfast/core/data`: orders and loaders of samples that resume at the next sample. */
import './node-version.ts'
export type { BatchOptions } from './data/batching.ts'
export { DataLoader } from './data/loader.ts'
export type { IndexedLoaderOptions, StreamLoaderOptions } from './data/loader-options.ts'
export type { OrderOptions } from './data/order.ts'
export { Permutation } from './data/permutation.ts'
export { type RandomState, SeededRandom } from './data/random.ts'
export { BatchSampler, type SamplerOptions } from './data/sampler.ts'
export type {
  IndexedSource,
  ResumableStream,
  SampleContext,
  SampleStream,
  StreamOfEpoch,
  StreamSource,
} from './data/source.ts'
export type { DataState } from './data/state.ts'
export type { Weights } from './data/weights.ts'
