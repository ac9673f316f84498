export type { BatchOptions } from './batching.ts'
export { DataLoader } from './loader.ts'
export type { IndexedLoaderOptions, StreamLoaderOptions } from './loader-options.ts'
export type { OrderOptions } from './order.ts'
export { Permutation } from './permutation.ts'
export { type RandomState, SeededRandom } from './random.ts'
export { BatchSampler, type SamplerOptions } from './sampler.ts'
export type {
  IndexedSource,
  ResumableStream,
  SampleContext,
  SampleStream,
  StreamOfEpoch,
  StreamSource,
} from './source.ts'
export type { DataState } from './state.ts'
export type { Weights } from './weights.ts'
