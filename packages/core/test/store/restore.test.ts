import { readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type CheckpointStore, MemoryBackend } from '../../src/index.ts'
import { codeOf, FaultyBackend, flipBit, keysOf, storeOn, tamper, temporaryFolder } from '../stores.ts'

const objectives = { loss: { metric: 'loss', direction: 'min' } } as const

async function threeSteps(store: CheckpointStore): Promise<void> {
  for (const [step, loss] of [
    [1, 0.5],
    [2, 0.1],
    [3, 0.3],
  ] as const) {
    await store.save({
      step,
      files: { 'model.bin': Buffer.alloc(100_000, step), 'sub/log.txt': Buffer.from(`step ${step}`) },
      metrics: { loss },
      dataState: { step },
    })
  }
}

async function keyOf(store: CheckpointStore, step: number, name: string): Promise<string> {
  const file = (await store.get(step))?.files.find((each) => each.name === name)
  if (file === undefined) throw new Error(`no ${name} in step ${step}`)
  return file.key
}

describe('restores verified files', () => {
  test('of the latest checkpoint, of a step, and of the best checkpoint', async () => {
    const store = storeOn(new MemoryBackend(), { objectives })
    await threeSteps(store)
    for (const [choice, step] of [
      ['latest', 3],
      [1, 1],
      ['best', 2],
      ['best:loss', 2],
    ] as const) {
      const to = await temporaryFolder()
      const restored = await store.restore(choice, { to })
      expect(restored).toMatchObject({ step, dataState: { step }, passedOver: [] })
      expect(await readFile(join(to, 'model.bin'))).toEqual(Buffer.alloc(100_000, step))
      expect(await readFile(join(to, 'sub', 'log.txt'), 'utf8')).toBe(`step ${step}`)
      expect((await readdir(to)).toSorted()).toEqual(['model.bin', 'sub'])
    }
  })

  test('over existing files, repeatedly', async () => {
    const store = storeOn(new MemoryBackend())
    await threeSteps(store)
    const to = await temporaryFolder()
    await writeFile(join(to, 'model.bin'), 'old')
    await writeFile(join(to, 'mine.txt'), 'mine')
    for (const step of [1, 2, 2]) await store.restore(step, { to })
    expect(await readFile(join(to, 'model.bin'))).toEqual(Buffer.alloc(100_000, 2))
    expect(await readFile(join(to, 'mine.txt'), 'utf8')).toBe('mine')
  })

  test('if only some files are requested', async () => {
    const store = storeOn(new MemoryBackend())
    await threeSteps(store)
    const to = await temporaryFolder()
    const restored = await store.restore(1, { to, files: ['sub/log.txt'] })
    expect(restored?.restored.map(({ name }) => name)).toEqual(['sub/log.txt'])
    expect(await codeOf(store.restore(1, { to, files: ['nothing'] }))).toBe('NOT_FOUND')
    const matching = await store.restore(1, { to, files: ['sub/*'] })
    expect(matching?.restored.map(({ name }) => name)).toEqual(['sub/log.txt'])
  })

  test('as a stream', async () => {
    const store = storeOn(new MemoryBackend())
    await threeSteps(store)
    const { body, size } = await store.read(2, 'model.bin')
    expect(Buffer.concat(await Array.fromAsync(body))).toEqual(Buffer.alloc(size, 2))
    expect(await codeOf(store.read(2, 'nothing'))).toBe('NOT_FOUND')
    expect(await codeOf(store.read(8, 'model.bin'))).toBe('NOT_FOUND')
  })

  test('as a range of a file', async () => {
    const backend = new MemoryBackend()
    const store = storeOn(backend)
    const bytes = Buffer.from('0123456789')
    await store.save({ step: 1, files: { a: bytes } })
    const rangeOf = async (start: number, end?: number): Promise<string> => {
      const { body, size } = await store.read(1, 'a', { range: { start, end } })
      expect(size).toBe(10)
      return Buffer.concat(await Array.fromAsync(body)).toString()
    }
    expect(await rangeOf(2, 5)).toBe('234')
    expect(await rangeOf(7)).toBe('789')
    expect(await rangeOf(7, 100)).toBe('789')
    expect(await rangeOf(10)).toBe('')
    expect(await codeOf(rangeOf(11))).toBe('INVALID_ARGUMENT')
    expect(await codeOf(rangeOf(5, 2))).toBe('INVALID_ARGUMENT')
    await tamper(backend, await keyOf(store, 1, 'a'), (whole) => whole.subarray(0, 6))
    expect(await rangeOf(2, 6)).toBe('2345')
    expect(await codeOf(rangeOf(2, 7))).toBe('CORRUPT')
    expect(await codeOf(rangeOf(8, 9))).toBe('CORRUPT')
  })

  test('and returns undefined for a store without checkpoints', async () => {
    const store = storeOn(new MemoryBackend(), { objectives })
    const to = join(await temporaryFolder(), 'new')
    expect(await store.restore('latest', { to })).toBeUndefined()
    expect(await store.restore('best', { to })).toBeUndefined()
    expect(await codeOf(store.restore(4, { to }))).toBe('NOT_FOUND')
    expect(await codeOf(storeOn(new MemoryBackend()).restore('best', { to }))).toBe('INVALID_ARGUMENT')
    expect(await codeOf(store.restore('best:other', { to }))).toBe('INVALID_ARGUMENT')
  })
})

describe('never returns bytes that differ from the saved bytes', () => {
  const damages: readonly (readonly [string, (bytes: Uint8Array) => Uint8Array])[] = [
    ['a flipped bit', flipBit],
    ['a byte more', (bytes) => Buffer.concat([bytes, Buffer.from('x')])],
    ['a byte less', (bytes) => bytes.subarray(0, -1)],
    ['nothing at all', () => new Uint8Array(0)],
  ]

  test.each(damages)(
    '%s in any file, or in the manifest, causes an error and restores nothing',
    async (_, damage) => {
      for (const name of ['model.bin', 'sub/log.txt', 'manifest.json']) {
        const backend = new MemoryBackend()
        const store = storeOn(backend)
        await threeSteps(store)
        const key = (await keyOf(store, 3, 'model.bin')).replace('model.bin', name)
        await tamper(backend, key, damage)
        const to = join(await temporaryFolder(), 'made', 'for', 'it')
        expect(await codeOf(store.restore('latest', { to }))).toBe('CORRUPT')
        await expect(readdir(to)).rejects.toThrow('ENOENT')
      }
    },
  )

  test('fails a stream of damaged bytes before its end', async () => {
    const backend = new MemoryBackend()
    const store = storeOn(backend)
    await threeSteps(store)
    await tamper(backend, await keyOf(store, 3, 'model.bin'), flipBit)
    const { body } = await store.read(3, 'model.bin')
    expect(await codeOf(Array.fromAsync(body))).toBe('CORRUPT')
  })
})

describe('falls back to the next older good checkpoint, and reports that', () => {
  test('quarantines the corrupt checkpoint without deleting it, and does not restore it again', async () => {
    const backend = new MemoryBackend()
    const store = storeOn(backend)
    await threeSteps(store)
    await tamper(backend, await keyOf(store, 3, 'model.bin'), flipBit)
    const quarantined: number[] = []
    store.on('quarantined', ({ step }) => quarantined.push(step))
    const restored = await store.restore('latest', { to: await temporaryFolder(), fallback: true })
    expect(restored?.step).toBe(2)
    expect(restored?.passedOver).toEqual([
      { step: 3, reason: 'model.bin differs from the saved file', quarantined: { kind: 'recorded' } },
    ])
    expect(quarantined).toEqual([3])
    expect((await store.latest())?.step).toBe(2)
    expect(await store.quarantined()).toMatchObject([{ step: 3 }])
    expect((await keysOf(backend, 'data/3-')).length).toBe(3)
    await store.sweep()
    expect((await keysOf(backend, 'data/3-')).length).toBe(3)
    await store.save({ step: 3, files: { a: Buffer.from('again') } })
    expect((await store.list()).length).toBe(3)
  })

  test('treats a missing file or manifest as corruption', async () => {
    for (const name of ['sub/log.txt', 'manifest.json']) {
      const backend = new MemoryBackend()
      const store = storeOn(backend)
      await threeSteps(store)
      await backend.delete([(await keyOf(store, 3, 'sub/log.txt')).replace('sub/log.txt', name)])
      expect((await store.restore('latest', { to: await temporaryFolder(), fallback: true }))?.step).toBe(2)
    }
  })

  test('applies to a step by its number, and to the best checkpoint', async () => {
    const backend = new MemoryBackend()
    const store = storeOn(backend, { objectives })
    await threeSteps(store)
    await tamper(backend, await keyOf(store, 2, 'model.bin'), flipBit)
    expect((await store.restore('best', { to: await temporaryFolder(), fallback: true }))?.step).toBe(3)
    await tamper(backend, await keyOf(store, 3, 'model.bin'), flipBit)
    expect((await store.restore(3, { to: await temporaryFolder(), fallback: true }))?.step).toBe(1)
  })

  test('rejects if no checkpoint is good', async () => {
    const backend = new MemoryBackend()
    const store = storeOn(backend)
    await threeSteps(store)
    for (const step of [1, 2, 3]) await tamper(backend, await keyOf(store, step, 'model.bin'), flipBit)
    expect(await codeOf(store.restore('latest', { to: await temporaryFolder(), fallback: true }))).toBe(
      'CORRUPT',
    )
    expect((await store.quarantined()).length).toBe(3)
  })

  test('a reader beside a running owner falls back without a takeover, and its first write records the quarantine', async () => {
    const backend = new MemoryBackend()
    const owner = storeOn(backend)
    await threeSteps(owner)
    await tamper(backend, await keyOf(owner, 3, 'model.bin'), flipBit)
    const reader = storeOn(backend)
    const restored = await reader.restore('latest', { to: await temporaryFolder(), fallback: true })
    expect(restored).toMatchObject({
      step: 2,
      passedOver: [
        {
          step: 3,
          quarantined: { kind: 'not recorded', because: "this writer's first save records it" },
        },
      ],
    })
    await owner.save({ step: 4, files: { a: Buffer.from('still ours') } })
    await reader.save({ step: 5, files: { a: Buffer.from('taken over') } })
    expect((await reader.quarantined()).map(({ step }) => step)).toEqual([3])
  })

  test('reports a temporary error of the store, and quarantines nothing', async () => {
    const backend = new FaultyBackend()
    const store = storeOn(backend)
    await threeSteps(store)
    backend.intercept = (method, key) =>
      method === 'read' && key.endsWith('model.bin') ? 'fail before' : 'pass'
    expect(await codeOf(store.restore('latest', { to: await temporaryFolder(), fallback: true }))).toBe(
      'UNAVAILABLE',
    )
    backend.intercept = () => 'pass'
    expect(await store.quarantined()).toEqual([])
  })
})

describe('the destination', () => {
  test('refuses a link that leads out of it', async () => {
    const store = storeOn(new MemoryBackend())
    await threeSteps(store)
    const outside = await temporaryFolder()
    const to = await temporaryFolder()
    await symlink(outside, join(to, 'sub'))
    expect(await codeOf(store.restore('latest', { to }))).toBe('INVALID_ARGUMENT')
    expect(await readdir(outside)).toEqual([])
    expect(await readdir(to)).toEqual(['sub'])
  })

  test('gets its missing folders, and is refused if a file is in the place of a folder', async () => {
    const store = storeOn(new MemoryBackend())
    await threeSteps(store)
    const folder = await temporaryFolder()
    const to = join(folder, 'of', 'several', 'names')
    await store.restore('latest', { to })
    expect((await readdir(to)).toSorted()).toEqual(['model.bin', 'sub'])
    const file = join(folder, 'file')
    await writeFile(file, 'in the way')
    expect(await codeOf(store.restore('latest', { to: file }))).toBe('INVALID_ARGUMENT')
    expect(await codeOf(store.restore('latest', { to: join(file, 'below') }))).toBe('INVALID_ARGUMENT')
    expect(await readFile(file, 'utf8')).toBe('in the way')
  })

  test.skipIf(process.platform !== 'linux')('is refused if no folder can be created there', async () => {
    const store = storeOn(new MemoryBackend())
    await threeSteps(store)
    expect(await codeOf(store.restore('latest', { to: '/proc/none/below' }))).toBe('UNAVAILABLE')
  })

  test('keeps and reports other files, and loses them in an exact restore', async () => {
    const store = storeOn(new MemoryBackend())
    await threeSteps(store)
    const to = await temporaryFolder()
    await writeFile(join(to, 'stale.bin'), 'stale')
    const reported = await store.restore('latest', { to })
    expect(reported?.otherFiles).toMatchObject({ count: 1, names: ['stale.bin'], removed: false })
    const removed = await store.restore('latest', { to, exact: true })
    expect(removed?.otherFiles).toMatchObject({ count: 1, names: ['stale.bin'], removed: true })
    expect((await readdir(to)).toSorted()).toEqual(['model.bin', 'sub'])
    const single = await store.restore('latest', { to, files: ['sub/log.txt'] })
    expect(single?.otherFiles).toBeUndefined()
    expect(await codeOf(store.restore('latest', { to, files: ['sub/log.txt'], exact: true }))).toBe(
      'INVALID_ARGUMENT',
    )
  })

  test('leaves no files of an aborted restore', async () => {
    const store = storeOn(new MemoryBackend())
    await threeSteps(store)
    const to = join(await temporaryFolder(), 'made')
    const stop = new AbortController()
    const restore = store.restore('latest', {
      to,
      signal: stop.signal,
      onProgress: () => {
        stop.abort()
      },
    })
    expect(await codeOf(restore)).toBe('ABORTED')
    await expect(readdir(to)).rejects.toThrow('ENOENT')
  })
})
