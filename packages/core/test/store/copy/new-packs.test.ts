import { describe, expect, test } from 'vitest'
import { type CheckpointBackend, copyCheckpoints, MemoryBackend } from '../../../src/index.ts'
import type { ManifestFile } from '../../../src/catalog/documents/index.ts'
import { filesIn, planNewPacks } from '../../../src/store/copy/new-packs.ts'
import { codeOf, FaultyBackend, flipBit, keysOf, storeOn, tamper, temporaryFolder } from '../../stores.ts'
import { readTree } from '../../trees.ts'

/** Files with different contents, of which each pack of a copy has a few. */
const files = Object.fromEntries(
  Array.from({ length: 300 }, (_, index) => [
    `part/${String(index).padStart(4, '0')}.bin`,
    Buffer.from(`content ${index} `.repeat(20 + 20 * (index % 5))),
  ]),
)

const texts = Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, bytes.toString()]))

/** Lets a backend look like an object store. */
function overNetwork<Backend extends CheckpointBackend>(backend: Backend): Backend {
  return Object.assign(backend, { capabilities: { ...backend.capabilities, requestPerObject: true } })
}

async function unpackedSource(backend = new MemoryBackend()) {
  const from = storeOn(backend, { mode: 'shared', packs: 'never' })
  await from.save({ step: 1, files })
  return from
}

function stored(backend: FaultyBackend): readonly string[] {
  return backend.calls.filter((call) => call.startsWith('put data/'))
}

describe('a copy of small files that the source does not have in packs', () => {
  test('stores them in packs on an object store, of which a further copy keeps each', async () => {
    const to = storeOn(overNetwork(new MemoryBackend()), { mode: 'shared' })
    await copyCheckpoints(await unpackedSource(), to)
    const keys = await keysOf(to.backend, 'data/')
    expect(keys.length).toBeLessThan(90)
    expect((await to.verify()).good).toBe(true)
    const folder = await temporaryFolder()
    await to.restore(1, { to: folder })
    expect(await readTree(folder)).toEqual(texts)
    const next = storeOn(overNetwork(new MemoryBackend()), { mode: 'shared' })
    await copyCheckpoints(to, next)
    expect(await keysOf(next.backend, 'data/')).toHaveLength(keys.length)
    expect((await next.verify()).good).toBe(true)
  })

  test('does not send the packs again that an interrupted copy has stored, except damaged ones', async () => {
    const from = await unpackedSource()
    const backend = overNetwork(new FaultyBackend())
    const to = storeOn(backend, { mode: 'shared' })
    backend.intercept = (method, key) =>
      method === 'commit' && key.endsWith('/manifest.json') ? 'fail before' : 'pass'
    expect(await codeOf(copyCheckpoints(from, to))).toBe('UNAVAILABLE')
    backend.intercept = () => 'pass'
    const [damaged = ''] = await keysOf(backend, 'data/')
    await tamper(backend, damaged, flipBit)
    backend.calls.length = 0
    const { outcomes } = await copyCheckpoints(from, to)
    expect(outcomes).toMatchObject([{ kind: 'copied' }])
    expect(stored(backend)).toEqual([`put ${damaged}`])
    expect((await to.verify()).good).toBe(true)
  })

  test('commits nothing, and shows no pack with wrong bytes, if a file is corrupt at the source', async () => {
    const backend = new MemoryBackend()
    const from = await unpackedSource(backend)
    await tamper(backend, (await keysOf(backend, 'data/'))[0] ?? '', flipBit)
    const to = storeOn(overNetwork(new MemoryBackend()), { mode: 'shared' })
    const { outcomes } = await copyCheckpoints(from, to)
    expect(outcomes).toMatchObject([{ kind: 'failed', error: { code: 'CORRUPT', url: from.url } }])
    expect(await to.list()).toEqual([])
    await to.flush()
    expect(await keysOf(to.backend, 'data/')).toEqual([])
  })

  test.each([
    ['auto', false, false, 0],
    ['auto', false, true, 64],
    ['auto', true, true, 0],
    ['never', false, true, 0],
    ['always', true, true, 1],
    ['always', false, false, 1],
  ] as const)(
    'makes packs with %s from a source on a network (%s) for a destination on a network (%s): %s',
    async (packs, fromNetwork, toNetwork, most) => {
      const from = await unpackedSource(fromNetwork ? overNetwork(new MemoryBackend()) : new MemoryBackend())
      const backend = toNetwork ? overNetwork(new MemoryBackend()) : new MemoryBackend()
      const to = storeOn(backend, { mode: 'shared', packs })
      await copyCheckpoints(from, to)
      const made = (await keysOf(backend, 'data/')).filter((key) => key.includes('/.holdfast/packs/'))
      expect(made.length > 0).toBe(most > 0)
      expect(made.length).toBeLessThanOrEqual(1.5 * most)
      expect((await to.verify()).good).toBe(true)
    },
  )
})

describe('the packs of a copy', () => {
  const listed = Array.from(
    { length: 1000 },
    (_, index): ManifestFile => ({
      name: String(index).padStart(4, '0'),
      object: String(index),
      size: 65_536,
      sha256: String(index).padStart(64, '0'),
    }),
  )
  const limits = { requestPerObject: true, maxObjectBytes: 2 ** 40, maxBufferedBytes: 2 ** 24 }

  test('have each file once, one after the other, and the same name for every copier', () => {
    const packs = planNewPacks(listed, 'auto', {}, limits)
    expect(packs.length).toBeLessThanOrEqual(67)
    expect(packs.flatMap((pack) => pack.files)).toEqual(listed)
    for (const pack of packs) {
      const ends = filesIn(pack).map(({ offset = NaN, size }) => offset + size)
      expect(filesIn(pack).map(({ offset }) => offset)).toEqual([0, ...ends.slice(0, -1)])
      expect(ends.at(-1)).toBe(pack.size)
    }
    const others = planNewPacks(listed.toReversed(), 'auto', {}, limits)
    expect(others.map(({ name }) => name)).toEqual(packs.map(({ name }) => name))
    expect(new Set(packs.map(({ name }) => name)).size).toBe(packs.length)
  })

  test('have at most 32 MiB, and a name of their own if a file has other bytes', () => {
    const large = listed.flatMap((file) =>
      Array.from({ length: 50 }, (_, copy) => ({ ...file, name: `${copy}/${file.name}` })),
    )
    const packs = planNewPacks(large, 'auto', {}, limits)
    expect(Math.max(...packs.map(({ size }) => size))).toBe(32 * 2 ** 20)
    const [first] = planNewPacks(listed, 'auto', {}, limits)
    const [changed] = planNewPacks(
      listed.map((file, index) => (index === 0 ? { ...file, sha256: 'f'.repeat(64) } : file)),
      'auto',
      {},
      limits,
    )
    expect(changed?.name).not.toBe(first?.name)
  })
})
