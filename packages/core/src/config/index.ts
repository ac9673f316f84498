export {
  type AdapterOption,
  type AdapterOptionValues,
  type OptionReader,
  optionReaders,
  readAdapterOptions,
} from './adapter-options.ts'
export { type AdapterOptions, type AdapterReference, openBackend } from './adapters.ts'
export { findConfig, type IgnoredConfig, type LoadedConfig, readConfig } from './config-file.ts'
export { expandHome, type PlaceContext } from './expand.ts'
export { refusePlanted } from './find-module.ts'
export { parseLocation } from './location.ts'
export {
  decodedPath,
  type ObjectStoreOptions,
  objectStoreOptions,
  type ObjectStorePlace,
  placeInUrl,
} from './object-store-url.ts'
export { openStore, type OpenStoreOptions } from './open-store.ts'
export { defineConfig, type HoldfastConfig, parseConfig } from './schema.ts'
