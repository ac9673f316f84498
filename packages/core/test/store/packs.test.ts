import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type CheckpointBackend, copyCheckpoints, type JsonValue, MemoryBackend } from '../../src/index.ts'
import { decodeManifest, type Manifest } from '../../src/catalog/documents/index.ts'
import { packsAtOnce, planPacks, type SizedFile } from '../../src/store/attempts/packs/plan-packs.ts'
import { readWhole } from '../../src/store/attempts/packs/whole-file.ts'
import { codeOf, FaultyBackend, flipBit, keysOf, storeOn, tamper, temporaryFolder } from '../stores.ts'
import { readTree } from '../trees.ts'
import { countPackReads } from './count-pack-reads.ts'
import { type Edits, resealManifest, to } from './reseal.ts'

const mib = 2 ** 20

/** Limits of a backend, four of whose puts may run at once. */
const limits = { requestPerObject: true, maxObjectBytes: 2 ** 40, maxBufferedBytes: 16 * mib }

/** Small files with different contents. */
function smallFiles(count: number): Record<string, Uint8Array> {
  const named = (index: number): string => `part/${String(index).padStart(4, '0')}.bin`
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => [
      named(index),
      Buffer.from(`content ${index} `.repeat((index % 7) * 40)),
    ]),
  )
}

function textsOf(files: Readonly<Record<string, Uint8Array>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(files).map(([name, bytes]) => [name, Buffer.from(bytes).toString()]),
  )
}

async function manifestOf(backend: CheckpointBackend, step: number): Promise<Manifest> {
  const key = (await keysOf(backend, `data/${step}-`)).find((each) => each.endsWith('/manifest.json')) ?? ''
  const bytes = Buffer.concat(await Array.fromAsync((await backend.read(key)).body))
  return decodeManifest(bytes, key.split('/')[1] as Manifest['attempt'])
}

/** A backend that looks like an object store. */
function overNetwork(): MemoryBackend {
  const backend = new MemoryBackend()
  return Object.assign(backend, { capabilities: { ...backend.capabilities, ...limits } })
}

async function packsOf(backend: CheckpointBackend): Promise<readonly string[]> {
  return (await keysOf(backend, 'data/')).filter((key) => key.includes('/.holdfast/packs/'))
}

describe('a save with packs', () => {
  test('stores more than 64 small files in one object, and restores each of them', async () => {
    const backend = overNetwork()
    const store = storeOn(backend)
    const files = { ...smallFiles(100), empty: Buffer.alloc(0) }
    const saved = await store.save({ step: 1, files })
    expect(await keysOf(backend, 'data/')).toHaveLength(2)
    expect(saved.fileCount).toBe(101)
    const manifest = await manifestOf(backend, 1)
    expect(manifest.requires).toEqual(['packs'])
    expect(manifest.files.filter(({ revision }) => revision !== undefined)).toHaveLength(1)
    const folder = await temporaryFolder()
    await store.restore(1, { to: folder })
    expect(await readTree(folder)).toEqual(textsOf(files))
    expect((await store.verify()).good).toBe(true)
    expect((await store.verify({ quick: true })).good).toBe(true)
  })

  test.each([
    ['64 files', smallFiles(64), {}],
    ["packs: 'never'", smallFiles(100), { packs: 'never' }],
    ['a store that needs no requests', smallFiles(100), {}, false],
  ] as const)(
    'stores each file as an object with %s',
    async (_, files, options, requestPerObject: boolean | undefined = true) => {
      const backend = new MemoryBackend()
      Object.assign(backend, { capabilities: { ...backend.capabilities, requestPerObject } })
      await storeOn(backend, options).save({ step: 1, files })
      expect(await packsOf(backend)).toEqual([])
      expect(await manifestOf(backend, 1)).toMatchObject({ requires: [] })
    },
  )

  test('packs two small files with always, and neither large files nor streams of unknown size', async () => {
    const backend = new MemoryBackend()
    const store = storeOn(backend, { packs: 'always' })
    const stream = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('streamed')
    }
    const files = { a: Buffer.from('a'), b: Buffer.from('b'), large: Buffer.alloc(mib), stream: stream() }
    await store.save({ step: 1, files })
    const { files: listed } = await manifestOf(backend, 1)
    expect(listed.map(({ name, object, offset }) => [name, object, offset])).toEqual([
      ['a', '.holdfast/packs/0', 0],
      ['b', '.holdfast/packs/0', 1],
      ['large', 'large', undefined],
      ['stream', 'stream', undefined],
    ])
    await store.save({ step: 2, files: { a: Buffer.from('a'), b: Buffer.from('b') }, packs: 'never' })
    expect(await packsOf(backend)).toHaveLength(1)
  })

  test('packs streams of known size, and files of this machine with their permissions', async () => {
    const backend = new MemoryBackend()
    const store = storeOn(backend, { packs: 'always' })
    const folder = await temporaryFolder()
    const path = join(folder, 'run.sh')
    await writeFile(path, 'run', { mode: 0o750 })
    const stream = new Blob(['streamed']).stream()
    await store.save({ step: 1, files: { 'run.sh': path, stream: { stream, size: 8 } } })
    const { files } = await manifestOf(backend, 1)
    expect(files).toMatchObject([
      { name: 'run.sh', mode: 0o750, offset: 0 },
      { name: 'stream', offset: 3 },
    ])
    const { body } = await store.read(1, 'stream')
    expect(await new Response(body).text()).toBe('streamed')
  })

  test.each([
    ['is longer than its size', 3, undefined],
    ['is shorter than its size', 5, undefined],
    ['has another digest', 4, '0'.repeat(64)],
  ])('rejects a file that %s, and leaves nothing', async (_, size, sha256) => {
    const backend = new MemoryBackend()
    const store = storeOn(backend, { packs: 'always' })
    const stream = new Blob(['four']).stream()
    const call = store.save({ step: 1, files: { ...smallFiles(3), stream: { stream, size, sha256 } } })
    expect(await codeOf(call)).toBe('INVALID_ARGUMENT')
    expect(await keysOf(backend, 'data/')).toEqual([])
  })

  test.each([
    ['grew', 'longer'],
    ['shrank', 'x'],
    ['grew', ''],
  ])('rejects a file that %s since its folder was read', async (how, content) => {
    const folder = await temporaryFolder()
    const path = join(folder, 'a')
    await writeFile(path, content === '' ? '' : 'four')
    const file = { name: 'a', source: { path }, size: content === '' ? 0 : 4 }
    await writeFile(path, content === '' ? 'now' : content)
    await expect(
      readWhole(file, { observer: undefined, signal: new AbortController().signal }),
    ).rejects.toThrow(`${path} ${how} during the save.`)
  })

  test('rejects a packed tensor with NaN if finite tensors are required', async () => {
    const header = Buffer.from('{"weights":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}')
    const length = Buffer.alloc(8)
    length.writeBigUInt64LE(BigInt(header.byteLength))
    const value = Buffer.alloc(4)
    value.writeFloatLE(Number.NaN)
    const model = Buffer.concat([length, header, value])
    const store = storeOn(new MemoryBackend(), { packs: 'always' })
    const files = { ...smallFiles(3), 'model.safetensors': model }
    await expect(store.save({ step: 1, files, requireFinite: true })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('"weights" of "model.safetensors"') as string,
    })
  })

  test('reports progress up to the size of all files', async () => {
    const seen: number[] = []
    const files = smallFiles(100)
    const total = Object.values(files).reduce((sum, { byteLength }) => sum + byteLength, 0)
    await storeOn(overNetwork()).save({
      step: 1,
      files,
      onProgress: (progress) => {
        expect(progress.total).toBe(total)
        seen.push(progress.bytes)
      },
    })
    expect(seen.at(-1)).toBe(total)
  })

  test('rejects an unknown mode', async () => {
    const packs = 'sometimes' as 'auto'
    expect(() => storeOn(new MemoryBackend(), { packs })).toThrow("packs must be 'auto', 'always' or 'never'")
    const call = storeOn(new MemoryBackend()).save({ step: 1, files: smallFiles(1), packs })
    expect(await codeOf(call)).toBe('INVALID_ARGUMENT')
  })

  test('keeps any small files', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 2, maxLength: 40 }),
        async (contents) => {
          const store = storeOn(new MemoryBackend(), { packs: 'always' })
          await store.save({ step: 1, files: Object.fromEntries(contents.entries()) })
          for (const [index, bytes] of contents.entries()) {
            const { body } = await store.read(1, String(index))
            expect(new Uint8Array(await new Response(body).arrayBuffer())).toEqual(bytes)
          }
          expect((await store.verify()).good).toBe(true)
        },
      ),
      { numRuns: 30 },
    )
  })
})

describe('a damaged pack', () => {
  async function savedWithPack() {
    const backend = new FaultyBackend()
    const store = storeOn(backend, { packs: 'always', mode: 'shared' })
    const files = Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [name, Buffer.from(name.repeat(10))]))
    await store.save({ step: 1, files })
    const [pack = ''] = await packsOf(backend)
    return { backend, store, pack }
  }

  test('is reported for each file that it damages, and for no other file', async () => {
    const { backend, store, pack } = await savedWithPack()
    await tamper(backend, pack, (bytes) => bytes.with(10, 0).with(39, 0))
    const { checkpoints } = await store.verify()
    expect(checkpoints[0]?.problems).toEqual([
      expect.stringContaining('b differs from the saved file'),
      expect.stringContaining('d differs from the saved file'),
    ])
    const { body } = await store.read(1, 'c')
    expect(await new Response(body).text()).toBe('c'.repeat(10))
    const call = store.restore(1, { to: await temporaryFolder() })
    expect(await codeOf(call)).toBe('CORRUPT')
    await store.restore(1, { to: await temporaryFolder(), files: ['a', 'c'] })
  })

  test('is reported for the files behind its end', async () => {
    const { backend, store, pack } = await savedWithPack()
    await tamper(backend, pack, (bytes) => bytes.subarray(0, 15))
    const { checkpoints } = await store.verify()
    expect(checkpoints[0]?.problems).toEqual([
      expect.stringContaining('b is truncated: 5 of 10 bytes'),
      expect.stringContaining('c is missing: its pack ends before byte 20'),
      expect.stringContaining('d is missing: its pack ends before byte 30'),
    ])
    const quick = await store.verify({ quick: true })
    expect(quick.checkpoints[0]?.problems).toEqual([
      'the pack .holdfast/packs/0 with 4 files has 15 bytes, not the 40 that were saved',
    ])
  })

  test('is reported by a quick verification if it has more bytes than its manifest records', async () => {
    const { backend, store, pack } = await savedWithPack()
    await tamper(backend, pack, (bytes) => Buffer.concat([bytes, Buffer.from('x')]))
    const { checkpoints } = await store.verify({ quick: true })
    expect(checkpoints[0]?.problems).toEqual([
      'the pack .holdfast/packs/0 with 4 files has 41 bytes, not the 40 that were saved',
    ])
    // The bytes of the files are good, and an earlier version recorded no size.
    expect((await store.verify()).good).toBe(true)
    await resealManifest(backend, 1, { 'files.0': withoutPack })
    expect((await storeOn(backend, { mode: 'shared' }).verify({ steps: [1], quick: true })).good).toBe(true)
  })

  test('is reported for each file if it is missing, and repair quarantines the checkpoint', async () => {
    const { backend, store, pack } = await savedWithPack()
    await backend.delete([pack])
    const { checkpoints } = await store.verify()
    expect(checkpoints[0]?.problems).toHaveLength(4)
    expect(checkpoints[0]?.problems[0]).toContain('a is missing')
    expect(await codeOf(store.restore(1, { to: await temporaryFolder() }))).toBe('CORRUPT')
    const { quarantined } = await store.repair()
    expect(quarantined).toEqual([{ step: 1, reason: 'the pack .holdfast/packs/0 with 4 files is missing' }])
  })

  test('does not count if only the first read is damaged', async () => {
    const { backend, store } = await savedWithPack()
    const read = backend.read.bind(backend)
    let reads = 0
    backend.read = async (key, options) => {
      const found = await read(key, options)
      if (!key.includes('/packs/')) return found
      reads += 1
      if (reads > 1) return found
      const bytes = flipBit(new Uint8Array(await new Response(found.body).arrayBuffer()))
      return { ...found, body: new Blob([bytes]).stream() }
    }
    const folder = await temporaryFolder()
    await store.restore(1, { to: folder })
    expect(Object.keys(await readTree(folder))).toEqual(['a', 'b', 'c', 'd'])
    expect(reads).toBe(2)
  })

  test('stops a restore whose read fails, and leaves nothing', async () => {
    const { backend, store } = await savedWithPack()
    backend.intercept = (method, key) =>
      method === 'read' && key.includes('/packs/') ? 'fail before' : 'pass'
    const folder = await temporaryFolder()
    expect(await codeOf(store.restore(1, { to: folder }))).toBe('UNAVAILABLE')
    expect(await readTree(folder)).toEqual({})
  })
})

describe('reading from packs', () => {
  test('moves only the bytes of a file that is restored alone', async () => {
    const backend = overNetwork()
    const store = storeOn(backend)
    const files = Object.fromEntries(
      Array.from({ length: 1000 }, (_, index) => [`${index}.bin`, Buffer.alloc(1000, index)]),
    )
    await store.save({ step: 1, files })
    const counted = countPackReads(backend)
    await store.restore(1, { to: await temporaryFolder(), files: ['500.bin'] })
    expect(counted).toMatchObject({ bytes: 1000, reads: 1 })
    await store.read(1, '77.bin').then(({ body }) => new Response(body).arrayBuffer())
    expect(counted).toMatchObject({ bytes: 2000, reads: 2 })
  })

  test('moves only the requested range of a file', async () => {
    const backend = overNetwork()
    const store = storeOn(backend, { packs: 'always' })
    await store.save({
      step: 1,
      files: { a: Buffer.from('first'), b: Buffer.from('second'), c: Buffer.from('third') },
    })
    const counted = countPackReads(backend)
    const { body, size } = await store.read(1, 'b', { range: { start: 1, end: 4 } })
    expect(await new Response(body).text()).toBe('eco')
    expect(size).toBe(6)
    expect(counted).toMatchObject({ bytes: 3, reads: 1 })
  })

  test('reads whole packs by few requests', async () => {
    const backend = overNetwork()
    const store = storeOn(backend)
    const files = Object.fromEntries(
      Array.from({ length: 200 }, (_, index) => [`${index}.bin`, Buffer.alloc(65_536, index)]),
    )
    await store.save({ step: 1, files })
    expect(await packsOf(backend)).toHaveLength(2)
    const counted = countPackReads(backend)
    await store.restore(1, { to: await temporaryFolder() })
    expect(counted.bytes).toBe(200 * 65_536)
    expect(counted.reads).toBeLessThanOrEqual(5)
  })

  test('explains why a packed file has no path', async () => {
    const backend = new MemoryBackend()
    Object.assign(backend, { capabilities: { ...backend.capabilities, localRoot: '/somewhere' } })
    const store = storeOn(backend, { packs: 'always' })
    await store.save({
      step: 1,
      files: { a: Buffer.from('a'), b: Buffer.from('b'), large: Buffer.alloc(mib) },
    })
    expect(await store.localPath(1, 'large')).toMatch(/^\/somewhere\/data\/.*\/large$/)
    await expect(store.localPath(1, 'a')).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message:
        '"a" of step 1 has no path of its own, because it was saved in one object with other small files. ' +
        "Read it with store.read(), or restore it. To give each file its own path, save with packs: 'never'.",
    })
  })
})

describe('a copy of a packed checkpoint', () => {
  test('has the same files, verifies, and is continued after an interruption', async () => {
    const from = storeOn(new MemoryBackend(), { packs: 'always', mode: 'shared' })
    const files = smallFiles(20)
    await from.save({ step: 1, files })
    const backend = new FaultyBackend()
    const destination = storeOn(backend, { mode: 'shared' })
    backend.intercept = (method, key) =>
      method === 'put' && key.endsWith('/0010.bin') ? 'fail before' : 'pass'
    expect(await codeOf(copyCheckpoints(from, destination))).toBe('UNAVAILABLE')
    backend.intercept = () => 'pass'
    const { outcomes } = await copyCheckpoints(from, destination)
    expect(outcomes[0]?.kind).toBe('copied')
    expect((await destination.verify()).good).toBe(true)
    const folder = await temporaryFolder()
    await destination.restore(1, { to: folder })
    expect(await readTree(folder)).toEqual(textsOf(files))
    expect(await manifestOf(backend, 1)).toMatchObject({ requires: [] })
  })

  test('keeps its packs at a destination that stores small files together, and continues after an interruption', async () => {
    const from = storeOn(overNetwork(), { packs: 'always', mode: 'shared' })
    // Four packs.
    const files = Object.fromEntries(
      Array.from({ length: 40 }, (_, index) => [`${index}.bin`, Buffer.alloc(999_000, `${index} `)]),
    )
    await from.save({ step: 1, files: { ...files, 'large.bin': Buffer.alloc(2 ** 20 + 1) } })
    const backend = new FaultyBackend()
    const destination = storeOn(backend, { packs: 'always', mode: 'shared' })
    backend.intercept = (method, key) =>
      method === 'commit' && key.endsWith('/manifest.json') ? 'fail before' : 'pass'
    expect(await codeOf(copyCheckpoints(from, destination))).toBe('UNAVAILABLE')
    backend.intercept = () => 'pass'
    backend.calls.length = 0
    expect((await copyCheckpoints(from, destination)).outcomes[0]?.kind).toBe('copied')
    expect(backend.calls.filter((call) => call.startsWith('put data/'))).toEqual([])
    expect((await destination.verify()).good).toBe(true)
    expect((await destination.get(1))?.files.map(({ sha256, offset }) => [sha256, offset])).toEqual(
      (await from.get(1))?.files.map(({ sha256, offset }) => [sha256, offset]),
    )
    // A copy of the copy has them, too.
    const next = storeOn(new MemoryBackend(), { packs: 'always', mode: 'shared' })
    await copyCheckpoints(destination, next)
    expect((await keysOf(next.backend, 'data/')).filter((key) => key.includes('/packs/'))).toHaveLength(4)
    expect((await next.verify()).good).toBe(true)
  })

  test('is not committed if a file in a pack is corrupt at the source', async () => {
    const backend = new MemoryBackend()
    const from = storeOn(backend, { packs: 'always', mode: 'shared' })
    await from.save({ step: 1, files: smallFiles(20) })
    const [pack = ''] = (await keysOf(backend, 'data/')).filter((key) => key.includes('/packs/'))
    await tamper(backend, pack, flipBit)
    const to = storeOn(new MemoryBackend(), { packs: 'always', mode: 'shared' })
    const { outcomes } = await copyCheckpoints(from, to)
    expect(outcomes).toMatchObject([{ kind: 'failed', error: { code: 'CORRUPT' } }])
    expect(await to.list()).toEqual([])
  })

  test.each([
    ['describes no digest of its pack', { 'files.0': withoutPack }],
    ['describes another size of its pack', { 'files.0.pack.size': to(10 ** 6) }],
  ] satisfies [string, Edits][])('is packed again if its manifest %s', async (_, edits) => {
    const backend = new MemoryBackend()
    const from = storeOn(backend, { packs: 'always', mode: 'shared' })
    await from.save({ step: 1, files: smallFiles(3) })
    await resealManifest(backend, 1, edits)
    const destination = storeOn(new MemoryBackend(), { packs: 'always', mode: 'shared' })
    await copyCheckpoints(storeOn(backend, { mode: 'shared' }), destination)
    expect(await packsOf(destination.backend)).toHaveLength(1)
    expect((await destination.verify()).good).toBe(true)
  })
})

/** The first file of a pack as earlier versions listed it. */
function withoutPack(file: JsonValue | undefined): JsonValue {
  if (typeof file !== 'object' || file === null || Array.isArray(file)) throw new Error('This is no file.')
  return Object.fromEntries(Object.entries(file).filter(([name]) => name !== 'pack'))
}

describe('a manifest with packs', () => {
  test.each([
    ['does not require the feature', { requires: to([]) }, 'CORRUPT'],
    ['has a file that ends beyond the largest offset', { 'files.1.offset': to(2 ** 53 - 1) }, 'CORRUPT'],
    ['requires an unknown feature, too', { requires: to(['packs', 'unheard-of']) }, 'UNSUPPORTED'],
  ] as const)('is refused if it %s', async (_, edits, code) => {
    const backend = new MemoryBackend()
    const store = storeOn(backend, { packs: 'always', mode: 'shared' })
    await store.save({ step: 1, files: smallFiles(3) })
    await resealManifest(backend, 1, edits)
    expect(await codeOf(storeOn(backend, { mode: 'shared' }).get(1))).toBe(code)
  })
})

describe('the plan of packs', () => {
  test.each([
    [48, 1],
    [32, 2],
    [16, 4],
    [1, 4],
    [2 ** 11, 1],
  ])('writes packs at once, if a put holds up to %i MiB: %i', (held, atOnce) => {
    expect(packsAtOnce({ ...limits, maxBufferedBytes: held * mib })).toBe(atOnce)
    const files = Array.from({ length: 640 }, (_, index) => ({
      name: String(index),
      source: new Uint8Array(),
      size: mib / 2,
    }))
    const plan = planPacks(files, 'auto', { ...limits, maxBufferedBytes: held * mib })
    expect(plan.packs).toHaveLength(atOnce)
  })

  const sizes = fc.array(fc.integer({ min: 0, max: 2 * mib }), { maxLength: 300 })

  test('packs every small file once, in order, and within the size of a pack', () => {
    fc.assert(
      fc.property(sizes, fc.constantFrom('auto', 'always', 'never'), (of, mode) => {
        const files = of.map((size, index) => ({ name: String(index), source: new Uint8Array(), size }))
        const { packs, singles } = planPacks(files, mode, limits)
        const names = packs.flat().map(({ name }) => name)
        expect(names).toEqual(
          files.filter(({ name }) => !singles.some((each) => each.name === name)).map(({ name }) => name),
        )
        expect(names.length + singles.length).toBe(files.length)
        const total = packs.flat().reduce((sum, { size }) => sum + size, 0)
        for (const pack of packs) {
          expect(pack.length).toBeGreaterThan(0)
          expect(sizeOf(pack)).toBeLessThanOrEqual(Math.max(8 * mib, Math.ceil(total / 4)))
        }
      }),
    )
  })

  function sizeOf(pack: readonly SizedFile[]): number {
    return pack.reduce((sum, { size }) => sum + size, 0)
  }
})
