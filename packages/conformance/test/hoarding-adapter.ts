import { type BackendAdapter, type BackendCapabilities, MemoryBackend } from '@holdfast/core/backend'

/**
 * A faulty backend: it keeps whole objects in memory, but declares a small `maxBufferedBytes`. Each process has its own
 * objects.
 */
export class HoardingBackend extends MemoryBackend {
  override readonly capabilities: BackendCapabilities = {
    ...new MemoryBackend().capabilities,
    maxBufferedBytes: 2 ** 20,
  }
}

export const adapter: BackendAdapter = {
  schemes: ['hoarding'],
  open: async (url) => new HoardingBackend(url.href),
}
