import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { openStore } from '@holdfast/core'
import { expect, onTestFinished, test } from 'vitest'
import { publish } from '../src/bodies.ts'
import { adapter, SqliteBackend } from '../src/index.ts'

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-sqlite-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

test('restores a checkpoint that was saved into a database', async () => {
  const folder = await temporaryFolder()
  const weights = Buffer.alloc(3_000_000, 'weights')
  await using store = await openStore(`sqlite://${folder}/checkpoints.db/runs/a?maxSize=1GB`, {
    adapters: [adapter],
  })
  await store.save({ step: 1, files: { 'model.bin': weights } })
  await store.restore('latest', { to: `${folder}/resume` })
  expect((await readFile(join(folder, 'resume', 'model.bin'))).equals(weights)).toBe(true)
})

test('the conformance suite runs from the command line and leaves the database empty', async () => {
  const place = `sqlite://${await temporaryFolder()}/checkpoints.db/try`
  const suite = createRequire(import.meta.url).resolve('@holdfast/conformance')
  const module = fileURLToPath(new URL('../src/index.ts', import.meta.url))
  const words = [join(dirname(suite), 'cli/main.js'), place, '--adapter', module, '--only', 'commit']
  const { stdout } = await promisify(execFile)(process.execPath, words)
  expect(stdout).toContain('ok      exactly one of 16 processes')
  // The four cases of a commit that writes ahead, which a transaction does not need.
  expect(stdout).toMatch(/: \d+ of \d+ cases ran, and passed, 4 skipped\./)
  const backend = await adapter.open(new URL(place))
  expect(await Array.fromAsync(backend.list(''))).toEqual([])
  await backend.close()
})

test('a sweep keeps the bytes of a put that another process finishes meanwhile', async () => {
  const file = join(await temporaryFolder(), 'checkpoints.db')
  const backend = new SqliteBackend(file)
  onTestFinished(() => backend.close())
  await backend.put('other', Buffer.from('other'))
  const process = new DatabaseSync(file)
  onTestFinished(() => {
    process.close()
  })
  process.exec("INSERT INTO bodies VALUES (70, 'racing', 0), (80, 'dead', 0)")
  process.exec("INSERT INTO chunks VALUES (70, 0, CAST('abc' AS BLOB)), (80, 0, CAST('abc' AS BLOB))")
  const { discarded } = await backend.sweep({
    olderThan: 0,
    only: (key) => {
      if (key === 'racing') publish(process, 'racing', 70, 3)
      return true
    },
  })
  expect(discarded.map(({ key }) => key)).toEqual(['dead'])
  const { body } = await backend.read('racing')
  expect(await new Response(body).text()).toBe('abc')
})

test.each(['sqlite:///folder/no-database', 'sqlite://host/x.db', 'sqlite:///x.db?misspelt=1'])(
  'refuses the URL %s',
  async (url) => {
    await expect(adapter.open(new URL(url))).rejects.toMatchObject({ code: 'CONFIG' })
  },
)
