import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { copyCheckpoints, MemoryBackend } from '../../src/index.ts'
import { codeOf, FaultyBackend, flipBit, keysOf, storeOn, tamper, temporaryFolder } from '../stores.ts'
import { readTree } from '../trees.ts'
import { resealManifest, to } from './reseal.ts'

/** A backend that looks like an object store. */
function overNetwork(): FaultyBackend {
  const backend = new FaultyBackend()
  return Object.assign(backend, { capabilities: { ...backend.capabilities, requestPerObject: true } })
}

const files = {
  'model.bin': Buffer.from('weights'),
  'log/a.txt': Buffer.from('a log'),
  empty: Buffer.alloc(0),
}
const texts = { 'model.bin': 'weights', 'log/a.txt': 'a log', empty: '' }

describe('a checkpoint of less than 64 KiB', () => {
  test('is stored in its manifest, by two writes and a list, and comes back', async () => {
    const backend = overNetwork()
    const store = storeOn(backend)
    await store.save({ step: 1, files })
    await store.flush()
    backend.calls.length = 0
    const saved = await store.save({ step: 2, files, metrics: { loss: 1 } })
    expect(backend.calls.map((call) => call.replace(/\/.*/, ''))).toEqual([
      'put data',
      'commit catalog',
      'list catalog',
    ])
    expect(saved.files.every(({ key }) => key.endsWith('/manifest.json'))).toBe(true)
    expect(await keysOf(backend, 'data/2-')).toHaveLength(1)
    const folder = await temporaryFolder()
    await store.restore(2, { to: folder })
    expect(await readTree(folder)).toEqual(texts)
    expect((await store.verify()).good).toBe(true)
    expect((await store.verify({ quick: true })).good).toBe(true)
    const { body, size } = await store.read(2, 'model.bin', { range: { start: 2, end: 5 } })
    expect([await new Response(body).text(), size]).toEqual(['igh', 7])
  })

  test.each([
    ['has more bytes', { large: Buffer.alloc(2 ** 16) }, {}],
    ['has a stream of unknown size', { stream: new Blob(['x']).stream() }, {}],
    ['is saved without packs', files, { packs: 'never' }],
  ] as const)('is stored as objects if it %s', async (_, content, options) => {
    const backend = overNetwork()
    await storeOn(backend).save({ step: 1, files: content, ...options })
    expect((await keysOf(backend, 'data/')).length).toBe(Object.keys(content).length + 1)
  })

  test('is stored as objects on a store that needs no requests', async () => {
    const backend = new MemoryBackend()
    await storeOn(backend).save({ step: 1, files })
    expect(await keysOf(backend, 'data/')).toHaveLength(4)
  })

  test('is found corrupt if its manifest is, and repair finds it if the catalog is lost', async () => {
    const backend = overNetwork()
    const store = storeOn(backend, { mode: 'shared' })
    await store.save({ step: 1, files })
    await store.save({ step: 2, files: { other: Buffer.from('other') } })
    await backend.delete(await keysOf(backend, 'catalog/'))
    expect((await store.repair()).recovered).toEqual([1, 2])
    const [manifest = ''] = await keysOf(backend, 'data/2-')
    await tamper(backend, manifest, flipBit)
    expect(await codeOf(store.read(2, 'other'))).toBe('CORRUPT')
  })

  test('refuses content that is not that of its digest', async () => {
    const backend = overNetwork()
    const store = storeOn(backend, { mode: 'shared' })
    await store.save({ step: 1, files: { a: Buffer.from('a') } })
    await resealManifest(backend, 1, { 'files.0.content': to(Buffer.from('b').toString('base64')) })
    const again = storeOn(backend, { mode: 'shared' })
    const { checkpoints } = await again.verify()
    expect(checkpoints[0]?.problems).toEqual(['a differs from the saved file'])
  })

  test.each([
    ['does not require the feature', { requires: to([]) }],
    ['has an object of its own, too', { 'files.0.object': to('a') }],
    ['has content that is not Base64', { 'files.0.content': to('?') }],
    ['is in a pack, too', { 'files.0.offset': to(0), requires: to(['inline', 'packs']) }],
  ])('is damaged if it %s', async (_, edits) => {
    const backend = overNetwork()
    const store = storeOn(backend, { mode: 'shared' })
    await store.save({ step: 1, files: { a: Buffer.from('a') } })
    await resealManifest(backend, 1, edits)
    expect(await codeOf(storeOn(backend, { mode: 'shared' }).get(1))).toBe('CORRUPT')
  })

  test('rejects a file that does not have its digest, and leaves nothing', async () => {
    const backend = overNetwork()
    const stream = new Blob(['four']).stream()
    const call = storeOn(backend).save({
      step: 1,
      files: { stream: { stream, size: 4, sha256: '0'.repeat(64) } },
    })
    expect(await codeOf(call)).toBe('INVALID_ARGUMENT')
    expect(await keysOf(backend, 'data/')).toEqual([])
  })

  test('is copied to a store on a disk, where each file is an object', async () => {
    const from = storeOn(overNetwork(), { mode: 'shared' })
    await from.save({ step: 1, files })
    const backend = new MemoryBackend()
    const destination = storeOn(backend, { mode: 'shared' })
    const { outcomes } = await copyCheckpoints(from, destination)
    expect(outcomes[0]?.kind).toBe('copied')
    expect((await destination.verify()).good).toBe(true)
    expect(await keysOf(backend, 'data/')).toHaveLength(4)
    const folder = await temporaryFolder()
    await destination.restore(1, { to: folder })
    expect(await readTree(folder)).toEqual(texts)
  })
})

describe('a copy of a checkpoint of less than 64 KiB', () => {
  test.each([
    ['a disk', new MemoryBackend()],
    ['an object store', overNetwork()],
  ])('has its files in its manifest on an object store if it comes from %s', async (_, source) => {
    const from = storeOn(source, { mode: 'shared' })
    await from.save({ step: 1, files })
    await from.save({ step: 2, files })
    const backend = overNetwork()
    const destination = storeOn(backend, { mode: 'shared' })
    await copyCheckpoints(from, destination)
    const writes = backend.calls.filter((call) => /^(?:put|commit) data\//.test(call))
    expect(writes.toSorted()).toEqual([
      expect.stringMatching(/^commit data\/1-.*\/manifest\.json$/),
      expect.stringMatching(/^commit data\/2-.*\/manifest\.json$/),
    ])
    expect((await destination.verify()).good).toBe(true)
    const folder = await temporaryFolder()
    await destination.restore(2, { to: folder })
    expect(await readTree(folder)).toEqual(texts)
  })

  test('keeps the permissions of files and members that a newer version added', async () => {
    const source = new MemoryBackend()
    const from = storeOn(source, { mode: 'shared' })
    const path = join(await temporaryFolder(), 'run.sh')
    await writeFile(path, 'run', { mode: 0o750 })
    await from.save({ step: 1, files: { 'run.sh': path } })
    await resealManifest(source, 1, { 'files.0.added': to('by a newer version') })
    const backend = overNetwork()
    await copyCheckpoints(storeOn(source, { mode: 'shared' }), storeOn(backend, { mode: 'shared' }))
    const [key = ''] = await keysOf(backend, 'data/')
    const document: unknown = await new Response((await backend.read(key)).body).json()
    const file = { name: 'run.sh', mode: 0o750, content: 'cnVu', added: 'by a newer version' }
    expect(document).toMatchObject({ manifest: { requires: ['inline'], files: [file] } })
  })

  test.each([
    ['its packs are off', { packs: 'never' }, 4],
    ['its packs are always on', { packs: 'always' }, 2],
  ] as const)('is stored as objects if %s', async (_, options, objects) => {
    const from = storeOn(overNetwork(), { mode: 'shared' })
    await from.save({ step: 1, files })
    const backend = overNetwork()
    await copyCheckpoints(from, storeOn(backend, { ...options, mode: 'shared' }))
    expect(await keysOf(backend, 'data/')).toHaveLength(objects)
  })

  test('is not committed if a file is corrupt at the source', async () => {
    const source = new MemoryBackend()
    const from = storeOn(source, { mode: 'shared' })
    await from.save({ step: 1, files })
    const [key = ''] = (await keysOf(source, 'data/')).filter((each) => each.endsWith('/model.bin'))
    await tamper(source, key, flipBit)
    const destination = storeOn(overNetwork(), { mode: 'shared' })
    const { outcomes } = await copyCheckpoints(from, destination)
    expect(outcomes).toMatchObject([{ kind: 'failed', error: { code: 'CORRUPT', url: from.url } }])
    expect(await destination.list()).toEqual([])
  })

  test('continues after an interruption', async () => {
    const from = storeOn(new MemoryBackend(), { mode: 'shared' })
    await from.save({ step: 1, files })
    const backend = overNetwork()
    backend.intercept = (method, key) =>
      method === 'commit' && key.endsWith('/manifest.json') ? 'fail before' : 'pass'
    expect(await codeOf(copyCheckpoints(from, storeOn(backend, { mode: 'shared' })))).toBe('UNAVAILABLE')
    backend.intercept = () => 'pass'
    const destination = storeOn(backend, { mode: 'shared' })
    expect((await copyCheckpoints(from, destination)).outcomes).toMatchObject([{ kind: 'copied' }])
    expect(await keysOf(backend, 'data/')).toHaveLength(1)
    expect((await destination.verify()).good).toBe(true)
  })
})
