import { type BackendAdapter, type BackendCapabilities, MemoryBackend } from '@holdfast/core/backend'

/** Keeps whole objects in memory and says that it does not, and knows nothing of other processes. */
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
