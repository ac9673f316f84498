import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { MemoryBackend, type SaveRequest } from '../../src/index.ts'
import { codeOf, FaultyBackend, keysOf, storeOn, temporaryFolder } from '../stores.ts'

const bytes = Buffer.from('some bytes')

describe('saves and lists', () => {
  test('bytes, streams and files in one checkpoint, with nested names', async () => {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'log.txt'), 'a log')
    const store = storeOn(new MemoryBackend())
    const saved = await store.save({
      step: 7,
      epoch: 2,
      files: {
        'model.bin': bytes,
        'optimizer/state.bin': Readable.from([Buffer.from('sta'), Buffer.from('te')]),
        'logs/log.txt': join(folder, 'log.txt'),
      },
      metrics: { loss: 0.25, odd: Number.NaN },
      tags: ['nightly'],
      metadata: { commit: 'abc' },
      dataState: { position: [1, 2] },
    })
    expect(saved.files.map(({ name, size }) => [name, size])).toEqual([
      ['logs/log.txt', 5],
      ['model.bin', 10],
      ['optimizer/state.bin', 5],
    ])
    const found = await store.get('latest')
    expect(found).toMatchObject({
      step: 7,
      epoch: 2,
      fileCount: 3,
      bytes: 20,
      metrics: { loss: 0.25, odd: Number.NaN },
      tags: ['nightly'],
      metadata: { commit: 'abc' },
      dataState: { position: [1, 2] },
    })
  })

  test('one path, several paths and folders, under their own names', async () => {
    const folder = await temporaryFolder()
    await mkdir(join(folder, 'model', 'deep'), { recursive: true })
    await writeFile(join(folder, 'model', 'a.bin'), 'a')
    await writeFile(join(folder, 'model', 'deep', 'b.bin'), 'b')
    await symlink('a.bin', join(folder, 'model', 'link.bin'))
    await writeFile(join(folder, 'c.bin'), 'c')
    const store = storeOn(new MemoryBackend())
    const names = async (step: number, files: SaveRequest['files']): Promise<readonly string[]> =>
      (await store.save({ step, files })).files.map(({ name }) => name)
    expect(await names(1, join(folder, 'c.bin'))).toEqual(['c.bin'])
    expect(await names(2, join(folder, 'model'))).toEqual([
      'model/a.bin',
      'model/deep/b.bin',
      'model/link.bin',
    ])
    expect(await names(3, [join(folder, 'c.bin'), join(folder, 'model', 'deep')])).toEqual([
      'c.bin',
      'deep/b.bin',
    ])
    expect(await names(4, { renamed: join(folder, 'model', 'deep') })).toEqual(['renamed/b.bin'])
  })

  test('steps in ascending order, with the one saved last as the latest', async () => {
    const store = storeOn(new MemoryBackend())
    for (const step of [5, 1, 9, 0, 7]) await store.save({ step, files: { a: bytes } })
    expect((await store.list()).map(({ step }) => step)).toEqual([0, 1, 5, 7, 9])
    expect((await store.latest())?.step).toBe(7)
  })
})

describe('refuses an invalid request, and writes nothing', () => {
  const refused: readonly (readonly [string, Partial<SaveRequest>, string])[] = [
    ['a negative step', { step: -1 }, 'INVALID_ARGUMENT'],
    ['a broken step', { step: 1.5 }, 'INVALID_ARGUMENT'],
    ['an unsafe step', { step: 2 ** 53 }, 'INVALID_ARGUMENT'],
    ['a negative epoch', { epoch: -3 }, 'INVALID_ARGUMENT'],
    ['an epoch that is no number', { epoch: NaN }, 'INVALID_ARGUMENT'],
    ['no files', { files: {} }, 'INVALID_ARGUMENT'],
    ['a file that does not exist', { files: '/no/such/file' }, 'INVALID_ARGUMENT'],
    ['a path through a file', { files: `${import.meta.filename}/model.bin` }, 'INVALID_ARGUMENT'],
    ['a name that leaves the root', { files: { '../x': bytes } }, 'INVALID_ARGUMENT'],
    ['an absolute name', { files: { '/x': bytes } }, 'INVALID_ARGUMENT'],
    ['the name of the manifest', { files: { 'manifest.json': bytes } }, 'INVALID_ARGUMENT'],
    ['a name below that of the manifest', { files: { 'manifest.json/x': bytes } }, 'INVALID_ARGUMENT'],
    ['the name of the manifest in another case', { files: { 'Manifest.JSON': bytes } }, 'INVALID_ARGUMENT'],
    ['a name below the other case of it', { files: { 'MANIFEST.json/x': bytes } }, 'INVALID_ARGUMENT'],
    ['the reserved folder', { files: { '.holdfast': bytes } }, 'INVALID_ARGUMENT'],
    ['a name below the reserved folder', { files: { '.Holdfast/x': bytes } }, 'INVALID_ARGUMENT'],
    ['the name of a temporary file', { files: { '.holdfast-tmp-0': bytes } }, 'INVALID_ARGUMENT'],
    [
      'a temporary name in another case and place',
      { files: { 'a/.HOLDFAST-restore-0/b': bytes } },
      'INVALID_ARGUMENT',
    ],
    ['names that differ in case only', { files: { a: bytes, A: bytes } }, 'INVALID_ARGUMENT'],
    [
      'names that differ in their accents’ encoding',
      { files: { '\u00e9': bytes, 'e\u0301': bytes } },
      'INVALID_ARGUMENT',
    ],
    ['a file and a folder of one name', { files: { a: bytes, 'a/b': bytes } }, 'INVALID_ARGUMENT'],
    ['a source that is no source', { files: { a: 5 as never } }, 'INVALID_ARGUMENT'],
    ['a metric that is no number', { metrics: { a: '1' as never } }, 'INVALID_ARGUMENT'],
    ['metadata with a NaN', { metadata: { a: Number.NaN } }, 'INVALID_ARGUMENT'],
    ['metadata with a function', { metadata: { a: (() => 1) as never } }, 'INVALID_ARGUMENT'],
    ['metadata with a Map', { metadata: { a: new Map() as never } }, 'INVALID_ARGUMENT'],
    ['an empty tag', { tags: [''] }, 'INVALID_ARGUMENT'],
    ['a misspelt onExisting', { onExisting: 'overwrite' as never }, 'INVALID_ARGUMENT'],
  ]

  test.each(refused)('%s', async (_, wrong, code) => {
    const backend = new MemoryBackend()
    const store = storeOn(backend)
    await store.save({ step: 1, files: { a: bytes } })
    const before = await keysOf(backend)
    expect(await codeOf(store.save({ step: 2, files: { a: bytes }, ...wrong }))).toBe(code)
    expect(await keysOf(backend)).toEqual(before)
  })

  test('saves names that only resemble reserved names', async () => {
    const names = [
      '.holdfastignore',
      'a/.holdfast/x',
      'a/manifest.json',
      'manifest.json.bak',
      'x.holdfast-tmp-',
    ]
    const files = Object.fromEntries(names.map((name) => [name, bytes]))
    const { files: saved } = await storeOn(new MemoryBackend()).save({ step: 1, files })
    expect(saved.map(({ name }) => name)).toEqual(names.toSorted())
  })

  test('refuses metadata that refers to itself', async () => {
    const store = storeOn(new MemoryBackend())
    const circle: Record<string, unknown> = {}
    circle['self'] = circle
    const save = store.save({ step: 1, files: { a: bytes }, metadata: circle as never })
    expect(await codeOf(save)).toBe('INVALID_ARGUMENT')
  })
})

describe('a save of an existing step', () => {
  test('is rejected, and keeps the first checkpoint', async () => {
    const store = storeOn(new MemoryBackend())
    const first = await store.save({ step: 1, files: { a: bytes } })
    const again = store.save({ step: 1, files: { a: Buffer.from('other') } })
    await expect(again).rejects.toMatchObject({ code: 'ALREADY_EXISTS', url: store.url })
    expect((await store.get(1))?.files).toEqual(first.files)
  })

  test('replaces the step in one commit, and deletes the old bytes', async () => {
    const backend = new MemoryBackend()
    const store = storeOn(backend)
    const first = await store.save({ step: 1, files: { a: bytes, b: bytes } })
    const second = await store.save({ step: 1, files: { a: Buffer.from('other') }, onExisting: 'replace' })
    expect(second.dropped).toEqual([{ step: 1, because: 'replaced' }])
    expect((await store.list()).map(({ bytes: size }) => size)).toEqual([5])
    for (const { key } of first.files) expect(await backend.stat(key)).toBeUndefined()
  })

  test('succeeds for only one of two shared writers that save at once', async () => {
    const backend = new MemoryBackend()
    const outcomes = await Promise.all(
      [1, 2, 3, 4].map((writer) =>
        codeOf(
          storeOn(backend, { mode: 'shared' }).save({ step: 1, files: { a: Buffer.from(`${writer}`) } }),
        ),
      ),
    )
    expect(outcomes.toSorted()).toEqual(['ALREADY_EXISTS', 'ALREADY_EXISTS', 'ALREADY_EXISTS', 'no error'])
    expect((await keysOf(backend, 'data/')).length).toBe(2)
  })
})

describe('a failed save leaves the store unchanged', () => {
  test.each([
    ['put', '/a'],
    ['put', '/b'],
    ['put', '/manifest.json'],
    ['commit', 'catalog/'],
  ])('if a %s of %s fails before its effect', async (method, failing) => {
    const backend = new FaultyBackend()
    const store = storeOn(backend)
    await store.save({ step: 1, files: { a: bytes } })
    const before = await keysOf(backend, 'data/')
    let failures = 0
    backend.intercept = (called, key) => {
      if (called !== method || !key.includes(failing) || failures > 0) return 'pass'
      failures += 1
      return 'fail before'
    }
    expect(await codeOf(store.save({ step: 2, files: { a: bytes, b: bytes } }))).toBe('UNAVAILABLE')
    expect(failures).toBe(1)
    expect(await keysOf(backend, 'data/')).toEqual(before)
    expect((await store.list()).map(({ step }) => step)).toEqual([1])
    expect((await store.save({ step: 2, files: { a: bytes, b: bytes } })).step).toBe(2)
  })

  test('as soon as the store accepts commits again, if it accepted none', async () => {
    const backend = new FaultyBackend()
    const store = storeOn(backend)
    await store.save({ step: 1, files: { a: bytes } })
    backend.intercept = (method) => (method === 'commit' ? 'fail before' : 'pass')
    expect(await codeOf(store.save({ step: 2, files: { a: bytes } }))).toBe('UNAVAILABLE')
    expect((await store.list()).map(({ step }) => step)).toEqual([1])
    backend.intercept = () => 'pass'
    await store.save({ step: 3, files: { a: bytes } })
    await store.flush()
    const left = await keysOf(backend, 'data/')
    expect(left.map((key) => key.split('-')[0])).toEqual(['data/1', 'data/1', 'data/3', 'data/3'])
  })

  test('without a commit if its manifest was never written', async () => {
    const backend = new FaultyBackend()
    const store = storeOn(backend)
    await store.save({ step: 1, files: { a: bytes } })
    const before = await keysOf(backend)
    backend.intercept = (method, key) => (method === 'put' && key.endsWith('/b') ? 'fail before' : 'pass')
    expect(await codeOf(store.save({ step: 2, files: { a: bytes, b: bytes } }))).toBe('UNAVAILABLE')
    expect(await keysOf(backend)).toEqual(before)
  })

  test('if it is aborted while a source hangs', async () => {
    const backend = new MemoryBackend()
    const store = storeOn(backend)
    await store.save({ step: 1, files: { a: bytes } })
    const before = await keysOf(backend)
    const stop = new AbortController()
    async function* hanging(): AsyncGenerator<Uint8Array> {
      yield bytes
      stop.abort()
      await new Promise<never>(() => undefined)
    }
    const save = store.save({ step: 2, files: { a: bytes, b: hanging() }, signal: stop.signal })
    expect(await codeOf(save)).toBe('ABORTED')
    expect(await keysOf(backend)).toEqual(before)
  })
})

describe('a commit whose response was lost', () => {
  test('is sent again, and recognised as our own by a read', async () => {
    const backend = new FaultyBackend()
    const store = storeOn(backend)
    await store.save({ step: 1, files: { a: bytes } })
    let lost = 0
    backend.intercept = (method) => {
      if (method !== 'commit' || lost > 0) return 'pass'
      lost += 1
      return 'lose answer'
    }
    await store.save({ step: 2, files: { a: bytes } })
    expect(lost).toBe(1)
    expect((await store.list()).map(({ step }) => step)).toEqual([1, 2])
  })

  test('has an unknown outcome if that read fails too, and then nothing is deleted', async () => {
    const backend = new FaultyBackend()
    const store = storeOn(backend)
    await store.save({ step: 1, files: { a: bytes } })
    backend.intercept = (method, key) => {
      if (method === 'commit') return 'lose answer'
      return method === 'read' && key.startsWith('catalog/') ? 'fail before' : 'pass'
    }
    expect(await codeOf(store.save({ step: 2, files: { a: bytes } }))).toBe('OUTCOME_UNKNOWN')
    backend.intercept = () => 'pass'
    const other = storeOn(backend, { mode: 'shared' })
    expect((await other.list()).map(({ step }) => step)).toEqual([1, 2])
    expect((await other.verify()).good).toBe(true)
    expect((await store.save({ step: 2, files: { a: bytes } })).alreadySaved).toBe(true)
  })
})

test('saves a small checkpoint with four calls if the newest catalog is known, and finds the latest with two', async () => {
  const backend = new FaultyBackend()
  const store = storeOn(backend)
  await store.save({ step: 1, files: { a: bytes } })
  backend.calls.length = 0
  await store.save({ step: 2, files: { a: bytes } })
  expect(backend.calls.map((call) => call.split(' ')[0])).toEqual(['put', 'put', 'commit', 'list'])
  backend.calls.length = 0
  await storeOn(backend, { mode: 'shared' }).latest()
  expect(backend.calls.map((call) => call.split(' ')[0])).toEqual(['list', 'read'])
})

test('an invalid request neither creates a store nor takes one over', async () => {
  const backend = new MemoryBackend()
  const wrong = storeOn(backend)
  expect(await codeOf(wrong.save({ step: -1, files: { a: bytes } }))).toBe('INVALID_ARGUMENT')
  expect(await codeOf(wrong.save({ step: 1, files: '/no/such/file' }))).toBe('INVALID_ARGUMENT')
  expect(await codeOf(wrong.pin(1))).toBe('NOT_FOUND')
  expect(await codeOf(wrong.delete([1]))).toBe('NOT_FOUND')
  expect(await keysOf(backend)).toEqual([])
})

describe('beforeCommit', () => {
  test('runs after every file is stored, and before the manifest is written', async () => {
    const backend = new MemoryBackend()
    const store = storeOn(backend)
    const seen: (readonly string[])[] = []
    await store.save({
      step: 1,
      files: { a: bytes, b: bytes },
      beforeCommit: async () => void seen.push(await keysOf(backend, 'data/')),
    })
    expect(seen.map((keys) => keys.map((key) => key.split('/').at(-1)))).toEqual([['a', 'b']])
  })

  test('saves nothing if it rejects, and passes the error on', async () => {
    const backend = new MemoryBackend()
    const store = storeOn(backend)
    await store.save({ step: 1, files: { a: bytes } })
    const before = await keysOf(backend)
    const failure = new Error('b was replaced')
    const saving = store.save({ step: 2, files: { b: bytes }, beforeCommit: () => Promise.reject(failure) })
    await expect(saving).rejects.toBe(failure)
    expect(await keysOf(backend)).toEqual(before)
    expect((await store.latest())?.step).toBe(1)
  })
})

test('returns metadata with a string of many megabytes', async () => {
  const store = storeOn(new MemoryBackend())
  const text = `a "quoted\\" text `.repeat(1_000_000)
  await store.save({ step: 1, files: { a: bytes }, dataState: { text } })
  expect((await store.get(1))?.dataState).toEqual({ text })
})

test('saves the right bytes of a stream that reuses its buffer', async () => {
  const store = storeOn(new MemoryBackend())
  async function* reusing(): AsyncGenerator<Uint8Array> {
    const buffer = Buffer.alloc(1000)
    for (let value = 0; value < 10; value += 1) yield buffer.fill(value)
  }
  await store.save({ step: 1, files: { a: reusing() } })
  const saved = Buffer.concat(await Array.fromAsync((await store.read(1, 'a')).body))
  expect([...saved.filter((_, at) => at % 1000 === 0)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
})

test('resolves a committed save although a listener throws', async () => {
  const store = storeOn(new MemoryBackend())
  const stray = new Promise((resolve) => {
    process.once('uncaughtException', resolve)
  })
  store.on('saved', () => {
    throw new Error('stray')
  })
  expect((await store.save({ step: 1, files: { a: bytes } })).step).toBe(1)
  expect(await stray).toBeInstanceOf(Error)
})

test('reports dropped objects that could not be deleted, and sweeps them later', async () => {
  const backend = new FaultyBackend()
  const store = storeOn(backend)
  const left: unknown[] = []
  store.on('cleanupFailed', (event) => left.push(event))
  await store.save({ step: 1, files: { a: bytes } })
  backend.intercept = (method) => (method === 'delete' ? 'fail before' : 'pass')
  await store.save({ step: 1, files: { a: Buffer.from('new') }, onExisting: 'replace' })
  await store.flush()
  backend.intercept = () => 'pass'
  expect(left).toHaveLength(1)
  expect((await keysOf(backend, 'data/')).length).toBe(4)
  expect((await store.sweep()).attempts).toBe(1)
  expect((await keysOf(backend, 'data/')).length).toBe(2)
})

describe('a stream with a known size or digest', () => {
  async function* stream(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('ab')
    yield Buffer.from('c')
  }
  const sha256 = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'

  test('is saved if its bytes have them', async () => {
    const store = storeOn(new MemoryBackend())
    const saved = await store.save({ step: 1, files: { a: { stream: stream(), size: 3, sha256 } } })
    expect(saved.files).toMatchObject([{ size: 3, sha256 }])
  })

  test.each([
    { size: 2 },
    { size: 4 },
    { sha256: 'b'.repeat(64) },
    { size: -1 },
    { size: 1.5 },
    { sha256: 'b' },
    { sise: 3 },
  ])('is refused otherwise, and nothing is left: %j', async (expected) => {
    const backend = new MemoryBackend()
    const store = storeOn(backend)
    const files = { a: { stream: stream(), ...expected } }
    expect(await codeOf(store.save({ step: 1, files }))).toBe('INVALID_ARGUMENT')
    expect(await keysOf(backend, 'data/')).toEqual([])
  })

  test('is refused if it is no stream', async () => {
    const files = { a: { stream: 'abc' as never } }
    expect(await codeOf(storeOn(new MemoryBackend()).save({ step: 1, files }))).toBe('INVALID_ARGUMENT')
  })
})
