import {
  type BackendAdapter,
  type CommitOptions,
  type CommitOutcome,
  MemoryBackend,
} from '@holdfast/core/backend'

/** A faulty backend in memory: a commit replaces an object that exists. */
class OverwritingBackend extends MemoryBackend {
  override async commit(key: string, bytes: Uint8Array, options?: CommitOptions): Promise<CommitOutcome> {
    await this.delete([key])
    return super.commit(key, bytes, options)
  }
}

export const adapter: BackendAdapter = {
  schemes: ['overwriting'],
  open: async (url) => new OverwritingBackend(url.href),
}
