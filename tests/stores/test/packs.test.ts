import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openAt } from './support/open-at.ts'
import { kindsOfStore } from './support/kinds-of-store.ts'

const kinds = await kindsOfStore()

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-packs-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

describe.each(kinds)('small files on $name', (kind) => {
  test('are packed, verify, and come back one by one and together', async () => {
    const store = await openAt(kind, kind.place(), { mode: 'shared', packs: 'always' })
    onTestFinished(() => store.close())
    const names = Array.from({ length: 120 }, (_, index) => `part-${String(index).padStart(3, '0')}/data.bin`)
    const small = Object.fromEntries(names.map((name, index) => [name, randomBytes(index * 700)]))
    const files = { ...small, 'large.bin': randomBytes(kind.partBytes + 1000) }
    const saved = await store.save({ step: 1, files })
    const keys = new Set(saved.files.map(({ key }) => key))
    expect(keys.size).toBe(2)
    expect((await store.verify()).good).toBe(true)
    expect((await store.verify({ quick: true })).good).toBe(true)
    const folder = await temporaryFolder()
    await store.restore(1, { to: folder })
    for (const [name, bytes] of Object.entries(files))
      expect((await readFile(join(folder, name))).equals(bytes)).toBe(true)
    const { body } = await store.read(1, 'part-077/data.bin')
    expect(
      Buffer.from(await new Response(body).arrayBuffer()).equals(
        small['part-077/data.bin'] ?? Buffer.alloc(0),
      ),
    ).toBe(true)
    const empty = await store.read(1, 'part-000/data.bin')
    expect((await new Response(empty.body).arrayBuffer()).byteLength).toBe(0)
  })

  test('are packed by default on an object store only', async () => {
    const store = await openAt(kind, kind.place(), { mode: 'shared' })
    onTestFinished(() => store.close())
    const files = Object.fromEntries(
      Array.from({ length: 65 }, (_, index) => [String(index), Buffer.from('x')]),
    )
    const saved = await store.save({ step: 1, files })
    const isDisk = store.backend.capabilities.localRoot !== undefined
    expect(new Set(saved.files.map(({ key }) => key)).size).toBe(isDisk ? 65 : 1)
    expect((await store.verify()).good).toBe(true)
  })

  test('are reported one by one if their pack is missing', async () => {
    const store = await openAt(kind, kind.place(), { mode: 'shared', packs: 'always' })
    onTestFinished(() => store.close())
    const saved = await store.save({ step: 1, files: { a: Buffer.from('a'), b: Buffer.from('b') } })
    await store.backend.delete([saved.files[0]?.key ?? ''])
    const { checkpoints } = await store.verify()
    expect(checkpoints[0]?.problems).toEqual(['a is missing', 'b is missing'])
  })
})
