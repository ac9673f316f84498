import { describe, expect, test } from 'vitest'
import { MemoryBackend, type StoreOptions } from '../../src/index.ts'
import { codeOf, keysOf, storeOn } from '../stores.ts'

type Method = 'put' | 'commit' | 'delete'

/** A backend on which calls of some methods wait until the test continues them. */
class WaitingBackend extends MemoryBackend {
  isHeld: (method: Method, key: string) => boolean = () => false
  #gate = Promise.withResolvers<undefined>()
  #reached = Promise.withResolvers<undefined>()

  hold(isHeld: (method: Method, key: string) => boolean): void {
    this.#gate = Promise.withResolvers<undefined>()
    this.#reached = Promise.withResolvers<undefined>()
    this.isHeld = isHeld
  }

  /** Resolves when a call waits. */
  async reached(): Promise<void> {
    await this.#reached.promise
  }

  letGo(): void {
    this.isHeld = () => false
    this.#gate.resolve(undefined)
  }

  override async put(...parameters: Parameters<MemoryBackend['put']>) {
    await this.#wait('put', parameters[0])
    return super.put(...parameters)
  }

  override async commit(...parameters: Parameters<MemoryBackend['commit']>) {
    await this.#wait('commit', parameters[0])
    return super.commit(...parameters)
  }

  override async delete(...parameters: Parameters<MemoryBackend['delete']>) {
    await this.#wait('delete', parameters[0][0] ?? '')
    return super.delete(...parameters)
  }

  async #wait(method: Method, key: string): Promise<void> {
    if (!this.isHeld(method, key)) return
    this.#reached.resolve(undefined)
    await this.#gate.promise
  }
}

const files = { a: Buffer.from('a') }

/** Returns whether a promise has settled after all pending work has run. */
async function hasSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  promise.then(
    () => (settled = true),
    () => (settled = true),
  )
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve))
  return settled
}

describe('close', () => {
  test.each<[string, StoreOptions]>([
    ['an exclusive store', { mode: 'exclusive' }],
    ['a shared store', { mode: 'shared' }],
  ])('of %s waits for a save in the foreground', async (_, options) => {
    const backend = new WaitingBackend()
    const store = storeOn(backend, options)
    await store.save({ step: 1, files })
    backend.hold((method, key) => method === 'put' && key.startsWith('data/'))
    const saving = store.save({ step: 2, files })
    await backend.reached()
    const closing = store.close()
    expect(await hasSettled(closing)).toBe(false)
    backend.letGo()
    expect((await saving).step).toBe(2)
    await closing
    expect((await storeOn(backend).list()).map(({ step }) => step)).toEqual([1, 2])
  })

  test('waits for a pin', async () => {
    const backend = new WaitingBackend()
    const store = storeOn(backend)
    await store.save({ step: 1, files })
    backend.hold((method) => method === 'commit')
    const pinning = store.pin(1)
    await backend.reached()
    const closing = store.close()
    expect(await hasSettled(closing)).toBe(false)
    backend.letGo()
    await pinning
    await closing
    expect((await storeOn(backend).latest())?.pinned).toBeDefined()
  })

  test('lets a save that waits for a place in the background be saved', async () => {
    const backend = new WaitingBackend()
    const store = storeOn(backend)
    await store.save({ step: 1, files })
    backend.hold((method, key) => method === 'put' && key.startsWith('data/2-'))
    await store.saveInBackground({ step: 2, files })
    await backend.reached()
    const waiting = store.saveInBackground({ step: 3, files })
    const closing = store.close()
    backend.letGo()
    await (
      await waiting
    ).done
    await closing
    expect((await storeOn(backend).list()).map(({ step }) => step)).toEqual([1, 2, 3])
  })
})

describe('a save', () => {
  test('resolves before what it dropped is deleted, and close waits for that', async () => {
    const backend = new WaitingBackend()
    const store = storeOn(backend, { retention: { keepLast: 1 } })
    await store.save({ step: 1, files })
    const dropped: number[] = []
    store.on('dropped', ({ step }) => dropped.push(step))
    backend.hold((method) => method === 'delete')
    expect((await store.save({ step: 2, files })).dropped.map(({ step }) => step)).toEqual([1])
    expect(dropped).toEqual([1])
    await backend.reached()
    const closing = store.close()
    expect(await hasSettled(closing)).toBe(false)
    backend.letGo()
    await closing
    expect((await keysOf(backend, 'data/')).every((key) => key.startsWith('data/2-'))).toBe(true)
  })

  test('waits for the deletions of the save before, or until its signal fires', async () => {
    const backend = new WaitingBackend()
    const store = storeOn(backend, { retention: { keepLast: 1 } })
    await store.save({ step: 1, files })
    backend.hold((method) => method === 'delete')
    await store.save({ step: 2, files })
    const stop = new AbortController()
    const stopped = store.save({ step: 3, files, signal: stop.signal })
    stop.abort()
    expect(await codeOf(stopped)).toBe('ABORTED')
    const next = store.save({ step: 4, files })
    expect(await hasSettled(next)).toBe(false)
    backend.letGo()
    expect((await next).step).toBe(4)
  })

  test('stops at once if its signal fires while the store is made', async () => {
    const backend = new WaitingBackend()
    const store = storeOn(backend, { mode: 'shared' })
    backend.hold((method) => method === 'commit')
    const stop = new AbortController()
    const stopped = store.save({ step: 1, files, signal: stop.signal })
    const other = store.save({ step: 2, files })
    await backend.reached()
    stop.abort()
    expect(await codeOf(stopped)).toBe('ABORTED')
    backend.letGo()
    expect((await other).step).toBe(2)
    expect((await store.list()).map(({ step }) => step)).toEqual([2])
  })

  test('leaves the queue of commits at once if its signal fires', async () => {
    const backend = new WaitingBackend()
    const store = storeOn(backend, { mode: 'shared' })
    await store.save({ step: 1, files })
    backend.hold((method) => method === 'commit')
    const pinning = store.pin(1)
    await backend.reached()
    const stop = new AbortController()
    const stopped = store.save({ step: 2, files, signal: stop.signal })
    expect(await hasSettled(stopped)).toBe(false)
    stop.abort()
    expect(await codeOf(stopped)).toBe('ABORTED')
    backend.letGo()
    await pinning
  })
})
