import { describe, expect, test } from 'vitest'
import { HoldfastError, MemoryBackend } from '../../src/index.ts'
import { codeOf, FaultyBackend, storeOn } from '../stores.ts'

/** A stream that ends when the test ends it. */
function held(): { readonly source: AsyncIterable<Uint8Array>; readonly release: () => void } {
  const gate = Promise.withResolvers<undefined>()
  async function* source(): AsyncGenerator<Uint8Array> {
    await gate.promise
    yield Buffer.from('late')
  }
  return {
    source: source(),
    release: () => {
      gate.resolve(undefined)
    },
  }
}

describe('a save in the background', () => {
  test('returns a handle at once, and resolves its result after the commit', async () => {
    const store = storeOn(new MemoryBackend())
    const { source, release } = held()
    const handle = await store.saveInBackground({ step: 1, files: { a: source } })
    expect(await store.list()).toEqual([])
    release()
    expect(await handle.done).toMatchObject({ step: 1, bytes: 4 })
    expect((await store.list()).length).toBe(1)
  })

  test('saves the bytes that it was given if the caller changes them afterwards', async () => {
    const store = storeOn(new MemoryBackend())
    const weights = Buffer.from('before')
    const handle = await store.saveInBackground({ step: 1, files: { weights } })
    weights.fill('x')
    await handle.done
    const { body } = await store.read(1, 'weights')
    expect(Buffer.concat(await Array.fromAsync(body)).toString()).toBe('before')
  })

  test('can be cancelled', async () => {
    const store = storeOn(new MemoryBackend())
    const { source } = held()
    const handle = await store.saveInBackground({ step: 1, files: { a: source } })
    handle.cancel()
    expect(await codeOf(handle.done)).toBe('ABORTED')
    expect(await store.list()).toEqual([])
  })
})

describe('at the bound', () => {
  test('wait: starts the next save when one has ended', async () => {
    const store = storeOn(new MemoryBackend(), { background: { limit: 1, atLimit: 'wait' } })
    const first = held()
    await store.saveInBackground({ step: 1, files: { a: first.source } })
    let begun = false
    const second = store.saveInBackground({ step: 2, files: { a: Buffer.from('2') } }).then((handle) => {
      begun = true
      return handle
    })
    await store.list()
    expect(begun).toBe(false)
    first.release()
    await (
      await second
    ).done
    expect((await store.list()).map(({ step }) => step)).toEqual([1, 2])
  })

  test('skip: does not save, and resolves with undefined', async () => {
    const store = storeOn(new MemoryBackend(), { background: { limit: 1, atLimit: 'skip' } })
    const first = held()
    await store.saveInBackground({ step: 1, files: { a: first.source } })
    const second = await store.saveInBackground({ step: 2, files: { a: Buffer.from('2') } })
    expect(await second.done).toBeUndefined()
    first.release()
    await store.flush()
    expect((await store.list()).map(({ step }) => step)).toEqual([1])
  })

  test('fail: rejects at once', async () => {
    const store = storeOn(new MemoryBackend(), { background: { limit: 2, atLimit: 'fail' } })
    const gates = [held(), held()]
    for (const [step, { source }] of gates.entries())
      await store.saveInBackground({ step, files: { a: source } })
    expect(await codeOf(store.saveInBackground({ step: 9, files: { a: Buffer.from('9') } }))).toBe(
      'UNAVAILABLE',
    )
    for (const { release } of gates) release()
    await store.flush()
    expect((await store.list()).length).toBe(2)
  })
})

test('removes a waiting save from the queue when its signal fires', async () => {
  const store = storeOn(new MemoryBackend())
  const first = held()
  await store.saveInBackground({ step: 1, files: { a: first.source } })
  const stop = new AbortController()
  const second = store.saveInBackground({ step: 2, files: { a: Buffer.from('2') }, signal: stop.signal })
  const third = store.saveInBackground({ step: 3, files: { a: Buffer.from('3') } })
  stop.abort()
  expect(await codeOf(second)).toBe('ABORTED')
  first.release()
  await (
    await third
  ).done
  expect((await store.list()).map(({ step }) => step)).toEqual([1, 3])
})

describe('an error of a background save', () => {
  test('is thrown once by flush and emitted as an event if no caller reads the handle', async () => {
    const backend = new FaultyBackend()
    const store = storeOn(backend)
    await store.save({ step: 1, files: { a: Buffer.from('1') } })
    const told: number[] = []
    store.on('backgroundError', ({ step }) => told.push(step))
    backend.intercept = (method) => (method === 'put' ? 'fail before' : 'pass')
    await store.saveInBackground({ step: 2, files: { a: Buffer.from('2') } })
    expect(await codeOf(store.flush())).toBe('UNAVAILABLE')
    expect(told).toEqual([2])
    await store.flush()
  })

  test('is thrown by close with others as one error, after ownership is released', async () => {
    const backend = new FaultyBackend()
    const store = storeOn(backend, { background: { limit: 3 } })
    await store.save({ step: 1, files: { a: Buffer.from('1') } })
    backend.intercept = (method) => (method === 'put' ? 'fail before' : 'pass')
    for (const step of [2, 3]) await store.saveInBackground({ step, files: { a: Buffer.from('x') } })
    await expect(store.close()).rejects.toThrow(AggregateError)
    backend.intercept = () => 'pass'
    await storeOn(backend, { mode: 'shared' }).save({ step: 4, files: { a: Buffer.from('4') } })
  })

  test('is not thrown by close if the caller read the handle after the failure', async () => {
    const backend = new FaultyBackend()
    const store = storeOn(backend)
    const failed = new Promise((resolve) => store.on('backgroundError', resolve))
    backend.intercept = (method) => (method === 'put' ? 'fail before' : 'pass')
    const handle = await store.saveInBackground({ step: 2, files: { a: Buffer.from('2') } })
    await failed
    await expect(handle.done).rejects.toThrow(HoldfastError)
    await store.close()
  })

  test('is not thrown by flush if the caller read the handle', async () => {
    const backend = new FaultyBackend()
    const store = storeOn(backend)
    backend.intercept = (method) => (method === 'put' ? 'fail before' : 'pass')
    const handle = await store.saveInBackground({ step: 2, files: { a: Buffer.from('2') } })
    await expect(handle.done).rejects.toThrow(HoldfastError)
    await store.flush()
  })
})
