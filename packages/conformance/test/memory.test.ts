import { MemoryBackend } from '@holdfast/core/backend'
import { describe, test } from 'vitest'
import { describeConformance } from '../src/index.ts'

describeConformance({ describe, test }, 'MemoryBackend', {
  open: async () => new MemoryBackend(),
  reopen: async (backend) => backend,
  partBytes: 2 ** 20,
})
