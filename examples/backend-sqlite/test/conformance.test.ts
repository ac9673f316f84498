import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describeConformance } from '@holdfast/conformance'
import { afterAll, describe, test } from 'vitest'
import { SqliteBackend } from '../src/index.ts'

const folder = await mkdtemp(join(tmpdir(), 'holdfast-sqlite-'))
const file = join(folder, 'checkpoints.db')
const adapter = new URL('../src/index.ts', import.meta.url).href
const locking: DatabaseSync[] = []
let opened = 0

describeConformance({ describe, test }, 'SqliteBackend', {
  open: async () => {
    opened += 1
    return new SqliteBackend(file, `runs/${opened}`)
  },
  reopen: async ({ url }) => new SqliteBackend(file, url.slice(`sqlite://${file}`.length)),
  place: ({ url }) => ({ url, adapter }),
  partBytes: 2 ** 20,
  failing: {
    UNAVAILABLE: async () => {
      const locked = join(folder, 'locked.db')
      const other = new DatabaseSync(locked)
      other.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
      locking.push(other)
      return new SqliteBackend(locked, '', { retry: { attempts: 1, minDelay: 1, maxDelay: 1 } })
    },
    INSUFFICIENT_SPACE: async () => new SqliteBackend(join(folder, 'small.db'), '', { maxSize: '2 MiB' }),
  },
})

afterAll(async () => {
  for (const each of locking) each.close()
  await rm(folder, { recursive: true })
})
