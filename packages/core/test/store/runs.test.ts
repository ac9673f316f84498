import { describe, expect, test } from 'vitest'
import {
  type CheckpointBackend,
  type Environment,
  MemoryBackend,
  type StoreOptions,
  systemEnvironment,
} from '../../src/index.ts'
import { findRuns, type FoundRun } from '../../src/store/runs/find-runs.ts'
import { summariseRuns } from '../../src/store/runs/list-runs.ts'
import type { ReadableRun, RunSummary } from '../../src/store/runs/summary.ts'
import { flipBit, foldingEarly, keysOf, storeOn, tamper } from '../stores.ts'

const byLoss = { loss: { metric: 'val_loss', direction: 'min' } } as const

/** Saves steps with these losses into a store, and copies it below a prefix of the backend. */
async function addRun(
  backend: CheckpointBackend,
  root: string,
  losses: readonly number[],
  options: StoreOptions = {},
  environment?: Environment,
): Promise<void> {
  const alone = new MemoryBackend('mem:')
  const store = storeOn(alone, { mode: 'shared', ...options }, environment)
  for (const [step, val_loss] of losses.entries()) {
    await store.save({ step, files: { 'model.bin': Buffer.alloc(10) }, metrics: { val_loss } })
  }
  for (const key of await keysOf(alone)) {
    await backend.put(`${root}${key}`, Buffer.concat(await Array.fromAsync((await alone.read(key)).body)))
  }
}

async function runsIn(backend: CheckpointBackend, exact = false): Promise<readonly RunSummary[]> {
  return summariseRuns(backend, { keeping: { objectives: {}, retention: {} }, exact })
}

async function onlyRun(backend: CheckpointBackend, exact?: boolean): Promise<ReadableRun> {
  const [run, ...others] = await runsIn(backend, exact)
  if (run?.state !== 'readable' || others.length > 0) throw new Error('Not one readable run')
  return run
}

/** Counts lists. Each is one request on an object store while it returns at most 1,000 keys. */
function countingLists(backend: MemoryBackend): { readonly list: CheckpointBackend['list']; lists: number } {
  const counting = {
    lists: 0,
    list: (prefix: string, options?: Parameters<CheckpointBackend['list']>[1]) => {
      counting.lists += 1
      return backend.list(prefix, options)
    },
  }
  return counting
}

async function rootsOf(found: AsyncIterable<FoundRun>): Promise<readonly string[]> {
  return (await Array.fromAsync(found)).map(({ root }) => root)
}

describe('finding runs', () => {
  test('finds runs at any depth, and nothing in folders that are no runs', async () => {
    const backend = new MemoryBackend('mem:')
    await addRun(backend, 'a/', [1])
    await addRun(backend, 'teams/x/pose-42/', [1, 2])
    await addRun(backend, 'z-ü 1/', [1])
    await backend.put('notes/readme.txt', Buffer.from('x'))
    await backend.put('catalog/old.json', Buffer.from('x'))
    expect(await rootsOf(findRuns(backend, ''))).toEqual(['a/', 'teams/x/pose-42/', 'z-ü 1/'])
  })

  test('finds a run at the prefix itself, and a run inside another', async () => {
    const backend = new MemoryBackend('mem:')
    await addRun(backend, '', [1])
    await addRun(backend, 'fine-tuned/', [1])
    expect(new Set(await rootsOf(findRuns(backend, '')))).toEqual(new Set(['', 'fine-tuned/']))
  })

  test('does not take the files of a checkpoint for a run', async () => {
    const backend = new MemoryBackend('mem:')
    const store = storeOn(backend)
    const files = { 'catalog/0000000000000001.json': Buffer.from('x'), 'holdfast.json': Buffer.from('x') }
    await store.save({ step: 1, files })
    expect(await rootsOf(findRuns(backend, ''))).toEqual([''])
  })

  test('skips the files of a large run, and finds the runs after it', async () => {
    const backend = new MemoryBackend('mem:')
    for (const name of ['a', 'b', 'c']) {
      await addRun(backend, `${name}/`, [1])
      for (let file = 0; file < 1500; file += 1)
        await backend.put(`${name}/data/1-0-0123456789abcdef/${file}`, Buffer.from('x'))
    }
    const counting = countingLists(backend)
    expect(await rootsOf(findRuns(counting, ''))).toEqual(['a/', 'b/', 'c/'])
    expect(counting.lists).toBeLessThanOrEqual(4)
  })

  test('finds many small runs with few requests', async () => {
    const backend = new MemoryBackend('mem:')
    for (let run = 0; run < 200; run += 1) {
      await backend.put(`${run}/catalog/0000000000000001.json`, Buffer.from('x'))
      await backend.put(`${run}/holdfast.json`, Buffer.from('x'))
    }
    const counting = countingLists(backend)
    expect(await rootsOf(findRuns(counting, ''))).toHaveLength(200)
    expect(counting.lists).toBe(1)
  })
})

describe('summaries of runs', () => {
  test('take one request for each run beside the list, and have its latest metrics', async () => {
    const backend = new MemoryBackend('mem:')
    for (let run = 0; run < 20; run += 1) await addRun(backend, `${run}/`, [0.3, 0.1])
    const requests = { lists: 0, others: 0 }
    const counting = new Proxy(backend, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target)
        if (typeof member !== 'function') return member
        if (name === 'list') requests.lists += 1
        else requests.others += 1
        return member.bind(target) as unknown
      },
    })
    const runs = await runsIn(counting)
    expect(runs).toHaveLength(20)
    expect(requests).toEqual({ lists: 1, others: 20 })
    const [run] = runs
    expect(run?.state === 'readable' ? run.recentMetrics : undefined).toEqual([
      { step: 0, metrics: { val_loss: 0.3 } },
      { step: 1, metrics: { val_loss: 0.1 } },
    ])
  })

  test('state the latest and the best checkpoint, the size, and whether anything is dropped', async () => {
    const backend = new MemoryBackend('mem:')
    const retention = { keepLast: 2, keepBest: { loss: 1 } }
    await addRun(backend, 'a/', [0.3, 0.1, 0.2, 0.4], { objectives: byLoss, retention })
    expect(await onlyRun(backend)).toMatchObject({
      name: 'a',
      url: 'mem:/a',
      latest: { step: 3 },
      checkpoints: 3,
      bytes: 30,
      best: { loss: { step: 1, value: 0.1 } },
      isComplete: true,
      hasRetention: true,
      hasDropped: true,
      quarantined: 0,
    })
  })

  test('judge a run by the objectives of the caller, too', async () => {
    const backend = new MemoryBackend('mem:')
    await addRun(backend, 'a/', [0.3, 0.1, 0.2])
    const [run] = await summariseRuns(backend, {
      keeping: { objectives: byLoss, retention: {} },
      exact: false,
    })
    expect(run).toMatchObject({ best: { loss: { step: 1, value: 0.1 } }, hasRetention: false })
  })

  test('omit what the pages of a long run would tell, and read them if asked to', async () => {
    const backend = new MemoryBackend('mem:')
    const losses = Array.from({ length: 12 }, (_, step) => Math.abs(step - 4))
    await addRun(backend, 'a/', losses, { objectives: byLoss }, foldingEarly)
    const short = await onlyRun(backend)
    expect(short).toMatchObject({ checkpoints: 12, best: {}, isComplete: false, latest: { step: 11 } })
    expect(short.bytes).toBeLessThan(120)
    expect(await onlyRun(backend, true)).toMatchObject({
      bytes: 120,
      best: { loss: { step: 4, value: 0 } },
      isComplete: true,
    })
  })

  test('omit an objective that needs a history which was not read', async () => {
    const backend = new MemoryBackend('mem:')
    const objectives = { ...byLoss, smooth: { ...byLoss.loss, smoothing: { average: 3 } } }
    const losses = Array.from({ length: 12 }, (_, step) => Math.abs(step - 4))
    const retention = { keepBest: { loss: 1, smooth: 1 }, keepLast: 1 }
    const { checkpoints } = systemEnvironment.pageLimits
    const pageLimits = { ...foldingEarly.pageLimits, checkpoints }
    await addRun(backend, 'a/', losses, { objectives, retention }, { ...foldingEarly, pageLimits })
    expect(Object.keys((await onlyRun(backend)).best)).toEqual(['loss'])
    expect(Object.keys((await onlyRun(backend, true)).best)).toContain('smooth')
  })

  test('name a damaged run, and a run without a catalog, beside the others', async () => {
    const backend = new MemoryBackend('mem:')
    await addRun(backend, 'damaged/', [1])
    await addRun(backend, 'good/', [1])
    await addRun(backend, 'lost/', [1])
    const newest = (await keysOf(backend, 'damaged/catalog/')).at(-1) ?? ''
    await tamper(backend, newest, flipBit)
    await backend.delete(await keysOf(backend, 'lost/catalog/'))
    expect(await runsIn(backend)).toMatchObject([
      { name: 'damaged', state: 'damaged', error: { code: 'CORRUPT' } },
      { name: 'good', state: 'readable' },
      { name: 'lost', state: 'no catalog', error: { hint: { kind: 'repair' } } },
    ])
  })

  test('read the version that replaced a version which was swept after the list', async () => {
    const backend = new MemoryBackend('mem:')
    await addRun(backend, 'a/', [1])
    const old = await keysOf(backend, 'a/catalog/')
    class Moving extends MemoryBackend {
      #isFirst = true

      override async *list(...words: Parameters<MemoryBackend['list']>): ReturnType<MemoryBackend['list']> {
        const listed = await Array.fromAsync(backend.list(...words))
        if (this.#isFirst) {
          this.#isFirst = false
          await addRun(backend, 'a/', [1, 2, 3])
          await backend.delete(old)
        }
        yield* listed
      }

      override async read(...words: Parameters<MemoryBackend['read']>): ReturnType<MemoryBackend['read']> {
        return backend.read(...words)
      }
    }
    expect(await onlyRun(new Moving('mem:'))).toMatchObject({ latest: { step: 2 } })
  })
})
