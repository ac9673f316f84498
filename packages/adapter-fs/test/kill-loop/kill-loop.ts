import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { openStore } from '@holdfast/core'
import { isMessage, type Operation, Random } from './operations.ts'
import { Oracle } from './oracle.ts'

export interface KillLoopOptions {
  /** An empty folder for the store. The caller removes it, or keeps it after a failure. */
  readonly folder: string
  readonly seed: number
  readonly kills: number
  /** Called after each kill with the interrupted operations. */
  readonly onKill?: (kill: number, cut: readonly Operation[]) => void
}

/** The longest life of a worker in milliseconds, from the begin of its first operation. */
const longestLife = 150

/**
 * Repeatedly starts a worker on one store, kills it with SIGKILL at a random moment, and compares the store with what
 * was acknowledged. After each kill, the store must open without help, the newest checkpoint must restore, and nothing
 * partial may be listed. Rejects with the fault, the seed and the number of the kill.
 */
export async function killLoop({
  folder,
  seed,
  kills,
  onKill,
}: KillLoopOptions): Promise<ReadonlyMap<string, number>> {
  const root = join(folder, 'store')
  const random = new Random(seed)
  const oracle = new Oracle()
  const cutShort = new Map<string, number>()
  for (let kill = 0; kill < kills; kill += 1) {
    try {
      const cut = await runAndKill(root, seed, kill, random.below(longestLife), oracle)
      for (const { kind } of cut) cutShort.set(kind, (cutShort.get(kind) ?? 0) + 1)
      await examine(root, join(folder, 'restored'), oracle)
      onKill?.(kill, cut)
    } catch (error) {
      throw new Error(`The store in ${folder} failed after kill ${kill} of seed ${seed}`, { cause: error })
    }
  }
  await nothingIsLeftAfterASweep(root)
  return cutShort
}

async function runAndKill(
  root: string,
  seed: number,
  run: number,
  life: number,
  oracle: Oracle,
): Promise<readonly Operation[]> {
  const child = fork(fileURLToPath(new URL('worker.ts', import.meta.url)), [root, String(seed), String(run)])
  const underWay = new Map<string, Operation>()
  const begun = Promise.withResolvers<undefined>()
  child.on('message', (message) => {
    if (!isMessage(message)) return
    oracle.hear(message)
    if (message.when === 'begins') underWay.set(message.operation.id, message.operation)
    else underWay.delete(message.operation.id)
    begun.resolve(undefined)
  })
  const closed = new Promise<NodeJS.Signals | null>((resolve) => {
    child.on('close', (_, signal) => {
      resolve(signal)
    })
  })
  await Promise.race([begun.promise, closed])
  await setTimeout(life)
  child.kill('SIGKILL')
  assert.equal(await closed, 'SIGKILL', 'the worker failed by itself')
  return [...underWay.values()]
}

async function examine(root: string, to: string, oracle: Oracle): Promise<void> {
  await using store = await openStore(root, { mode: 'shared' })
  await oracle.judge(store)
  const report = await store.verify()
  assert.ok(report.good, JSON.stringify(report))
  const newest = await store.latest()
  assert.equal((await store.restore('latest', { to }))?.step, newest?.step)
}

/** Checks that a takeover and a sweep remove everything that the kills left, and what could be undone. */
async function nothingIsLeftAfterASweep(root: string): Promise<void> {
  await using store = await openStore(root, { gracePeriod: 0 })
  await store.save({ step: 1_000_000, files: { last: Buffer.from('last') } })
  await store.sweep({ now: true })
  const listed = new Set<string>()
  for (const { step } of await store.list()) {
    for (const { key } of (await store.get(step))?.files ?? []) listed.add(key.split('/', 2).join('/'))
  }
  for await (const { key } of store.backend.list('data/')) {
    assert.ok(listed.has(key.split('/', 2).join('/')), `${key} was left behind`)
  }
  assert.deepEqual(
    (await store.backend.sweep({ olderThan: 0, only: () => true, dryRun: true })).discarded,
    [],
  )
}
