import { expect, test } from 'vitest'
import { inTurn, type Turn } from '../../src/async/in-turn.ts'
import { codeOf } from '../stores.ts'

/** Tasks that end when the test lets them, and what they did. */
class Tasks {
  readonly log: string[] = []
  readonly #ends = new Map<number, PromiseWithResolvers<void>>()

  constructor(items: readonly number[]) {
    for (const item of items) this.#ends.set(item, Promise.withResolvers())
  }

  readonly run = async (item: number, { comes, signal }: Turn): Promise<string> => {
    this.log.push(`begin ${item}`)
    signal.addEventListener('abort', () => this.log.push(`stop ${item}`))
    await this.#ends.get(item)?.promise
    await comes()
    this.log.push(`end ${item}`)
    return `result ${item}`
  }

  end(item: number): void {
    this.#ends.get(item)?.resolve()
  }

  fail(item: number): void {
    this.#ends.get(item)?.reject(new Error(`task ${item} failed`))
  }
}

function always(): boolean {
  return true
}

test('runs what must happen in order in the order of the items, whichever task is ready first', async () => {
  const tasks = new Tasks([1, 2, 3])
  const results = Array.fromAsync(inTurn([1, 2, 3], always, undefined, tasks.run))
  for (const item of [3, 2, 1]) tasks.end(item)
  expect(await results).toEqual(['result 1', 'result 2', 'result 3'])
  expect(tasks.log).toEqual(['begin 1', 'begin 2', 'begin 3', 'end 1', 'end 2', 'end 3'])
})

test('begins a task only if it may join the running ones', async () => {
  const tasks = new Tasks([1, 2, 3])
  const asked: string[] = []
  const mayJoin = (running: readonly number[], next: number): boolean => {
    asked.push(`${next} beside ${running.join(' ')}`)
    return running.length < 2
  }
  const results = inTurn([1, 2, 3], mayJoin, undefined, tasks.run)
  for (const item of [1, 2, 3]) tasks.end(item)
  expect(await Array.fromAsync(results)).toHaveLength(3)
  expect(asked).toEqual(['2 beside 1', '3 beside 1 2', '3 beside 2'])
})

test('lets earlier tasks end after a failure, stops later ones, and begins no other', async () => {
  const tasks = new Tasks([1, 2, 3, 4])
  const results = inTurn([1, 2, 3, 4], (running) => running.length < 3, undefined, tasks.run)
  const first = results.next()
  tasks.fail(2)
  tasks.end(3)
  tasks.end(1)
  expect((await first).value).toBe('result 1')
  await expect(results.next()).rejects.toThrow('task 2 failed')
  expect(tasks.log).toEqual(['begin 1', 'begin 2', 'begin 3', 'stop 3', 'end 1'])
})

test('stops the tasks that run when the caller leaves early', async () => {
  const tasks = new Tasks([1, 2])
  for (const item of [1, 2]) tasks.end(item)
  for await (const result of inTurn([1, 2, 3], (running) => running.length < 1, undefined, tasks.run)) {
    expect(result).toBe('result 1')
    break
  }
  expect(tasks.log).toEqual(['begin 1', 'end 1'])
})

test('rejects with ABORTED when the signal of the caller fires', async () => {
  const tasks = new Tasks([1, 2])
  const caller = new AbortController()
  const results = codeOf(Array.fromAsync(inTurn([1, 2], always, caller.signal, tasks.run)))
  caller.abort()
  for (const item of [1, 2]) tasks.end(item)
  expect(await results).toBe('ABORTED')
})
