import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { describe, expect, onTestFinished, test } from 'vitest'
import {
  copyCheckpoints,
  HoldfastError,
  isHoldfastError,
  MemoryBackend,
  parseChoice,
} from '../../src/index.ts'
import { codeOf, keysOf, storeOn, temporaryFolder } from '../stores.ts'

const files = { a: Buffer.from('a') }

describe('an error for a missing file', () => {
  test('lists the three nearest names', async () => {
    const store = storeOn(new MemoryBackend())
    const names = Array.from({ length: 200 }, (_, index) => `shard-${String(index).padStart(4, '0')}.bin`)
    const many = Object.fromEntries([...names, 'optimizer.pt'].map((name) => [name, Buffer.from(name)]))
    await store.save({ step: 1, files: many })
    await expect(store.read(1, 'optimiser.pt')).rejects.toThrow(
      /^Step 1 has no file "optimiser.pt"\. The nearest of its 201 files are "optimizer\.pt", "[^"]+", "[^"]+"\.$/,
    )
    const to = await temporaryFolder()
    await expect(store.restore(1, { to, files: ['shard-0042.bni'] })).rejects.toThrow(
      'The nearest of its 201 files are "shard-0042.bin", ',
    )
  })

  test('lists all names if there are few', async () => {
    const store = storeOn(new MemoryBackend())
    await store.save({ step: 1, files })
    await expect(store.read(1, 'b')).rejects.toThrow('Step 1 has no file "b". It has "a".')
  })
})

/** A backend whose objects can be held, but not by this user. */
function holdingNothing(backend: MemoryBackend): MemoryBackend {
  return new Proxy(backend, {
    get: (target, name) => {
      if (name === 'capabilities') return { ...target.capabilities, holdsObjects: true }
      if (name === 'setHold')
        return () => Promise.reject(new HoldfastError('PERMISSION_DENIED', 'Access denied.'))
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === 'function' ? (member.bind(target) as unknown) : member
    },
  })
}

describe('a hint', () => {
  async function hintOf(call: Promise<unknown>): Promise<unknown> {
    return call.then(
      () => undefined,
      (error: unknown) => (isHoldfastError(error) ? error.hint : error),
    )
  }

  test('suggests to list the checkpoints if a step does not exist', async () => {
    const store = storeOn(new MemoryBackend())
    await store.save({ step: 1, files })
    const to = await temporaryFolder()
    const calls = [
      store.read(9, 'a'),
      store.restore(9, { to }),
      store.verify({ steps: [9] }),
      store.delete([9]),
    ]
    for (const call of calls) expect(await hintOf(call)).toEqual({ kind: 'list' })
  })

  test('suggests to define an objective if there is none', async () => {
    const store = storeOn(new MemoryBackend())
    await store.save({ step: 1, files })
    for (const call of [store.get('best'), store.get('best:loss'), store.plateau('loss')])
      expect(await hintOf(call)).toEqual({ kind: 'define-objective' })
  })

  test('names the objectives if a choice could mean several', async () => {
    const [loss, pck] = [
      { metric: 'loss', direction: 'min' } as const,
      { metric: 'pck', direction: 'max' } as const,
    ]
    const store = storeOn(new MemoryBackend(), { objectives: { loss, pck } })
    await store.save({ step: 1, files })
    await expect(store.best()).rejects.toThrow(
      'Several objectives are defined: loss, pck. Name one of them. Its best checkpoint is best:NAME, such as best:loss.',
    )
  })

  test('suggests to restore with fallback if the checkpoint is corrupt, and to verify it once it is quarantined', async () => {
    const backend = new MemoryBackend()
    const store = storeOn(backend)
    for (const step of [1, 2]) await store.save({ step, files })
    await backend.delete([(await store.get(2))?.files[0]?.key ?? ''])
    const to = await temporaryFolder()
    expect(await hintOf(store.restore('latest', { to }))).toEqual({ kind: 'restore-with-fallback' })
    await store.restore('latest', { to, fallback: true })
    expect(await hintOf(store.read(2, 'a'))).toEqual({ kind: 'verify', step: 2 })
  })

  test.each([
    ['pin', 'pin-again', 'Step 1 is pinned, but not all its objects are held: Access denied.'],
    ['unpin', 'unpin-again', 'Step 1 is unpinned, but objects of it are still held: Access denied.'],
  ] as const)('suggests to repeat a %s whose objects could not be held', async (method, kind, reason) => {
    const backend = new MemoryBackend()
    const saving = storeOn(backend, { mode: 'shared' })
    for (const step of [1, 2]) await saving.save({ step, files })
    if (method === 'unpin') await saving.pin([1, 2])
    const store = storeOn(holdingNothing(backend), { mode: 'shared' })
    await expect(store[method]([1, 2])).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
      reason,
      message: `${reason} After you correct that, call store.${method}() again.`,
      hint: { kind, steps: [1, 2] },
    })
  })

  test('to copy elsewhere is the only remedy of a step that the destination has already', async () => {
    const [from, to] = [storeOn(new MemoryBackend()), storeOn(new MemoryBackend())]
    await from.save({ step: 1, files })
    await to.save({ step: 1, files: { a: Buffer.from('b') } })
    const { outcomes } = await copyCheckpoints(from, to)
    expect(outcomes).toMatchObject([
      {
        kind: 'failed',
        error: {
          reason: 'The destination has a different checkpoint of step 1.',
          hint: { kind: 'copy-elsewhere' },
        },
      },
    ])
  })

  test('suggests to take the store over if another writer owns it', async () => {
    const backend = new MemoryBackend()
    await storeOn(backend).save({ step: 1, files })
    expect(await hintOf(storeOn(backend, { mode: 'shared' }).pin(1))).toEqual({ kind: 'take-over' })
  })

  test('suggests to repair the store if its catalog is lost', async () => {
    const backend = new MemoryBackend()
    await storeOn(backend).save({ step: 1, files })
    await backend.delete(await keysOf(backend, 'catalog/'))
    const store = storeOn(backend, { mode: 'shared' })
    expect(await hintOf(store.delete([1]))).toEqual({ kind: 'repair' })
    expect(await store.doctor()).toContainEqual(
      expect.objectContaining({ check: 'catalog', verdict: 'bad', hint: { kind: 'repair' } }),
    )
  })
})

describe('the path of a file', () => {
  test('is rejected on a store that is not on a disk', async () => {
    const store = storeOn(new MemoryBackend())
    await store.save({ step: 1, files })
    await expect(store.localPath(1, 'a')).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(/is not on a disk of this machine/) as string,
    })
  })
})

describe('an invalid choice', () => {
  test.each(['nonsense', 'lastest', 'bestloss', '', undefined, null, {}])(
    '%j is rejected as such',
    async (choice) => {
      const store = storeOn(new MemoryBackend())
      await store.save({ step: 1, files })
      for (const call of [store.read(choice as never, 'a'), store.get(choice as never)])
        await expect(call).rejects.toThrow(/is not a valid choice\. Write a step, "latest", "best" or/)
    },
  )

  test('names the limit if the step is too large', () => {
    expect(() => parseChoice('9007199254740993')).toThrow('from 0 to 2^53 - 1')
    expect(() => parseChoice('1'.repeat(30))).toThrow('from 0 to 2^53 - 1')
  })
})

describe('an invalid value for files', () => {
  test.each<[unknown, RegExp]>([
    [
      [{ name: 'a', data: Buffer.from('a') }],
      /^files\[0\] must be a path, not an object\. To pass contents, name them/,
    ],
    [['a', 7], /^files\[1\] must be a path, not a number/],
    [undefined, /^files must be a path, a list of paths, or an object of contents by name, not undefined/],
    [null, /not null/],
    [Buffer.from('a'), /not an object/],
    [7, /not a number/],
    [{ a: null }, /The file "a" must be a path, bytes/],
    [{ a: 7 }, /The file "a" must be a path, bytes/],
  ])('are rejected: %j', async (given, message) => {
    const store = storeOn(new MemoryBackend())
    const request = { step: 1, files: given as never }
    await expect(store.save(request)).rejects.toThrow(message)
    expect(await codeOf(store.save(request))).toBe('INVALID_ARGUMENT')
    const inBackground = store.saveInBackground(request).then(({ done }) => done)
    expect(await codeOf(inBackground)).toBe('INVALID_ARGUMENT')
  })

  test('rejects a save without a request', async () => {
    const store = storeOn(new MemoryBackend())
    expect(await codeOf(store.save(undefined as never))).toBe('INVALID_ARGUMENT')
  })
})

test('publishes the URL of the store to the diagnostics channels', async () => {
  const heard: unknown[] = []
  const listener = (message: unknown): void => {
    heard.push(message)
  }
  subscribe('holdfast:saved', listener)
  onTestFinished(() => {
    unsubscribe('holdfast:saved', listener)
  })
  for (const url of ['mem:one', 'mem:two']) await storeOn(new MemoryBackend(url)).save({ step: 1, files })
  expect(heard).toEqual([
    { store: 'mem:one', step: 1, bytes: 1 },
    { store: 'mem:two', step: 1, bytes: 1 },
  ])
})

test('prints a limit of zero milliseconds as 0 s', async () => {
  const store = storeOn(new MemoryBackend(), { retention: { keepWithin: 0 } })
  await store.save({ step: 1, files })
  expect((await store.save({ step: 2, files })).dropped).toEqual([{ step: 1, because: 'older than 0 s' }])
})
