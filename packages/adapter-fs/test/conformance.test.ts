import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describeConformance } from '@holdfast/conformance'
import { afterAll, describe, test } from 'vitest'
import { FileBackend } from '../src/index.ts'

const folder = await mkdtemp(join(tmpdir(), 'holdfast-fs-'))
let opened = 0

describeConformance({ describe, test }, 'FileBackend on a real disk', {
  open: async () => {
    opened += 1
    return new FileBackend(join(folder, String(opened)))
  },
  reopen: async (backend) => new FileBackend(fileURLToPath(backend.url)),
  place: ({ url }) => ({ url, adapter: new URL('../src/index.ts', import.meta.url).href }),
  partBytes: 4 * 2 ** 20,
})

afterAll(async () => {
  await rm(folder, { recursive: true })
})
