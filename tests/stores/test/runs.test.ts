import { adapter as fs } from '@holdfast/adapter-fs'
import { adapter as gcs } from '@holdfast/adapter-gcs'
import { type BackendAdapter, CheckpointStore, listRuns } from '@holdfast/core'
import { startGcsEmulator } from '@holdfast/emulators'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { putRuns } from './support/some-runs.ts'

interface Kind {
  readonly name: string
  readonly start: () => Promise<{ readonly adapter: BackendAdapter; readonly url: string }>
}

const kinds: readonly Kind[] = [
  {
    name: 'a disk',
    start: async () => {
      const folder = await mkdtemp(join(tmpdir(), 'holdfast-runs-'))
      onTestFinished(() => rm(folder, { recursive: true }))
      return { adapter: fs, url: pathToFileURL(folder).href }
    },
  },
  {
    name: 'Google Cloud Storage',
    start: async () => {
      const emulator = await startGcsEmulator({ buckets: ['runs'] })
      onTestFinished(() => emulator.close())
      return { adapter: gcs, url: `gs://runs/team?endpoint=${emulator.endpoint}` }
    },
  },
]

describe('listing runs', () => {
  test.each(kinds)('finds every run on $name, and nothing elsewhere', async ({ start }) => {
    const { adapter, url } = await start()
    const backend = await adapter.open(new URL(url))
    await putRuns(backend, 3, 'all objects')
    await backend.put('notes/x.txt', Buffer.from('x'))
    await backend.close()
    const runs = await listRuns(url, { adapters: [adapter], config: false })
    expect(runs).toMatchObject(
      ['run-000', 'run-001', 'run-002'].map((name) => ({
        name,
        state: 'readable',
        latest: { step: 3 },
        best: { loss: { step: 1, value: 0.1 } },
      })),
    )
    const [run] = runs
    const { search } = new URL(url)
    await using store = new CheckpointStore(await adapter.open(new URL(`${run?.url ?? ''}${search}`)))
    expect((await store.latest())?.step).toBe(3)
  })
})
