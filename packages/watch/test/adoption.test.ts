import { appendFile, mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import type { StoreOptions } from '@holdfast/core'
import { importFolder, watchFolder, type WatchEvent } from '../src/index.ts'
import { safetensorsFile, torchFile } from './archives.ts'
import { storeOn, TestClock, Watched } from './harness.ts'

describe('a checkpoint is adopted once it is complete and quiet', () => {
  test('waits while a file grows, however slowly', async () => {
    const watched = await Watched.begin({ layout: { pattern: 'step_{step}.bin' } })
    for (let byte = 0; byte < 5; byte += 1) {
      await watched.write('step_1.bin', Buffer.alloc(byte + 1))
      expect(await watched.scan()).toEqual([])
      watched.clock.pass(29_000)
    }
    expect(await watched.scan()).toEqual([])
    watched.clock.pass(1_000)
    expect(await watched.scan()).toEqual(['step_1.bin'])
  })

  test('waits two seconds if the format shows the end', async () => {
    const watched = await Watched.begin()
    await watched.write('step_1.pth', torchFile('a'))
    expect(await watched.scan()).toEqual([])
    watched.clock.pass(1_999)
    expect(await watched.scan()).toEqual([])
    watched.clock.pass(1)
    expect(await watched.scan()).toEqual(['step_1.pth'])
  })

  test('waits for data that comes after its marker', async () => {
    const layout = { pattern: 'step_{step}/', completeWhen: 'DONE' }
    const watched = await Watched.begin({ layout })
    await watched.write('step_1/DONE', '')
    await watched.scan()
    watched.clock.pass(1_000)
    const whole = safetensorsFile(1000)
    await watched.write('step_1/model.safetensors', whole.subarray(0, 500))
    expect(await watched.settle()).toEqual([])
    await watched.write('step_1/model.safetensors', whole)
    expect(await watched.settle()).toEqual(['step_1'])
    expect(await watched.bytesOf(1, 'step_1/model.safetensors')).toEqual(whole)
  })

  test('adopts a folder that is renamed into place', async () => {
    const layout = { pattern: 'step_{step}/', completeWhen: 'DONE' }
    const watched = await Watched.begin({ layout })
    await watched.write('tmp-step_1/model.bin', 'weights')
    await watched.write('tmp-step_1/DONE', '')
    expect(await watched.settle()).toEqual([])
    await rename(watched.path('tmp-step_1'), watched.path('step_1'))
    expect(await watched.settle()).toEqual(['step_1'])
  })

  test('adopts nothing of a folder that is deleted halfway', async () => {
    const watched = await Watched.begin({ layout: { pattern: 'step_{step}/', completeWhen: 'DONE' } })
    await watched.write('step_1/a.bin', 'a')
    await watched.write('step_1/b.bin', 'b')
    await watched.write('step_1/DONE', '')
    await watched.scan()
    await rm(watched.path('step_1/a.bin'))
    watched.clock.pass(2_000)
    expect(await watched.scan()).toEqual([])
    await rm(watched.path('step_1'), { recursive: true })
    expect(await watched.settle()).toEqual([])
    expect(await watched.steps()).toEqual([])
  })

  test.each([
    ['with a last file', { pattern: 'step_{step}/', completeWhen: 'DONE' }, 'listed'],
    ['with a last file', { pattern: 'step_{step}/', completeWhen: 'DONE' }, 'dropped'],
    ['without one', { pattern: 'step_{step}/' }, 'listed'],
    ['without one', { pattern: 'step_{step}/' }, 'dropped'],
  ] as const)(
    'keeps an adopted folder %s whole while its trainer deletes it: %o, %s',
    async (_, layout, state) => {
      const watched = await Watched.begin({ layout })
      for (const name of ['a.bin', 'b.bin', 'DONE']) await watched.write(`step_1/${name}`, name)
      await watched.settle()
      await watched.write('step_2/a.bin', 'a')
      await watched.write('step_2/DONE', '')
      await watched.settle()
      if (state === 'dropped') await watched.store.delete([1])
      const before = await watched.steps()
      await rm(watched.path('step_1/a.bin'))
      expect(await watched.settle()).toEqual([])
      watched.restart()
      expect(await watched.settle()).toEqual([])
      expect(await watched.steps()).toEqual(before)
      if (state === 'listed') expect((await watched.store.get(1))?.files).toHaveLength(3)
    },
  )

  test('adopts a folder without a last file that is written anew with fewer files', async () => {
    const watched = await Watched.begin({ layout: { pattern: 'step_{step}/' } })
    await watched.write('step_1/a.bin', 'a')
    await watched.write('step_1/b.bin', 'b')
    await watched.settle()
    await rm(watched.path('step_1/b.bin'))
    await watched.write('step_1/a.bin', 'another')
    expect(await watched.settle()).toEqual(['step_1'])
  })

  test('adopts no folder that is written anew in place before its marker is', async () => {
    const watched = await Watched.begin({ layout: { pattern: 'step_{step}/', completeWhen: 'DONE' } })
    await watched.write('step_1/model.bin', 'first')
    await watched.write('step_1/DONE', '1')
    expect(await watched.settle()).toEqual(['step_1'])
    await watched.write('step_1/model.bin', 'second')
    expect(await watched.settle()).toEqual([])
    await watched.write('step_1/DONE', '2')
    expect(await watched.settle()).toEqual(['step_1'])
    expect(String(await watched.bytesOf(1, 'step_1/model.bin'))).toBe('second')
  })
})

describe('a folder that is written anew in place', () => {
  const layout = { pattern: 'step_{step}/', completeWhen: 'DONE' }

  test('is not adopted while it is a mixture, also if the first save was never adopted', async () => {
    const watched = await Watched.begin({ layout })
    await watched.write('step_1/model.pt', torchFile('first'))
    await watched.write('step_1/optimizer.pt', torchFile('first'))
    await watched.write('step_1/DONE', '1')
    expect(await watched.scan()).toEqual([])
    await watched.write('step_1/model.pt', torchFile('later'))
    expect(await watched.settle()).toEqual([])
    expect(watched.told('incomplete').at(-1)?.missing).toBe('a new DONE')
    await watched.write('step_1/optimizer.pt', torchFile('later'))
    await watched.write('step_1/DONE', '2')
    expect(await watched.settle()).toEqual(['step_1'])
  })

  test('is adopted again after another rank has added its file', async () => {
    const watched = await Watched.begin({ layout })
    await watched.write('step_1/rank0.pt', torchFile('zero'))
    await watched.write('step_1/DONE', '1')
    expect(await watched.settle()).toEqual(['step_1'])
    await watched.write('step_1/rank1.pt', torchFile('one'))
    expect(await watched.settle()).toEqual(['step_1'])
    expect((await watched.store.get(1))?.fileCount).toBe(3)
  })

  test('is a mixture also after a restart', async () => {
    const watched = await Watched.begin({ layout })
    await watched.write('step_1/model.pt', torchFile('first'))
    await watched.write('step_1/DONE', '1')
    expect(await watched.settle()).toEqual(['step_1'])
    watched.restart()
    await watched.write('step_1/model.pt', torchFile('later'))
    expect(await watched.settle()).toEqual([])
  })
})

describe('a checkpoint that changes while it is saved', () => {
  /** Changes the folder once, after the save has stored its first bytes. */
  async function changingDuringSave(change: (watched: Watched) => Promise<void>): Promise<Watched> {
    const changes: Promise<void>[] = []
    const watched = await Watched.begin({
      layout: { pattern: 'step_{step}/', completeWhen: 'DONE' },
    })
    const put = watched.backend.put.bind(watched.backend)
    watched.backend.put = async (key, ...rest) => {
      const stored = await put(key, ...rest)
      if (key.endsWith('/a.bin') && changes.length === 0) {
        changes.push(change(watched))
        await Promise.all(changes)
      }
      return stored
    }
    await watched.write('step_1/a.bin', 'first a')
    await watched.write('step_1/b.bin', 'first b')
    await watched.write('step_1/DONE', '1')
    await watched.scan()
    watched.clock.pass(2_000)
    expect(await watched.scan()).toEqual([])
    expect(watched.told('changed')).toEqual([{ type: 'changed', name: 'step_1' }])
    expect(await watched.steps()).toEqual([])
    return watched
  }

  test('is not committed if a file was replaced, and is adopted at the next scan', async () => {
    const watched = await changingDuringSave(async (during) => {
      await during.write('step_1/new', 'later b')
      await rename(during.path('step_1/new'), during.path('step_1/b.bin'))
    })
    expect(await watched.settle()).toEqual(['step_1'])
    expect(String(await watched.bytesOf(1, 'step_1/b.bin'))).toBe('later b')
  })

  test('is not committed if a file was added', async () => {
    await changingDuringSave((during) => during.write('step_1/c.bin', 'c'))
  })

  test('is not committed if a file that was stored already grew', async () => {
    await changingDuringSave((during) => appendFile(during.path('step_1/a.bin'), ' and more'))
  })

  test('is not committed if the folder was deleted', async () => {
    await changingDuringSave((during) => rm(during.path('step_1'), { recursive: true }))
  })
})

describe('several checkpoints', () => {
  async function writeAt(watched: Watched, name: string, bytes: Buffer, second: number): Promise<void> {
    await watched.write(name, bytes)
    await utimes(watched.path(name), second, second)
  }

  test('of one scan are adopted one after the other, as they were written', async () => {
    const watched = await Watched.begin()
    await writeAt(watched, 'step_20.pth', torchFile('b'), 2000)
    await writeAt(watched, 'step_10.pth', torchFile('a'), 1000)
    await writeAt(watched, 'step_5.pth', torchFile('went back'), 3000)
    expect(await watched.settle()).toEqual(['step_10.pth', 'step_20.pth', 'step_5.pth'])
  })

  test('are adopted although one of them fails', async () => {
    const watched = await Watched.begin()
    await watched.store.save({ step: 10, files: { other: Buffer.from('x') } })
    await watched.store.pin(10)
    await writeAt(watched, 'step_10.pth', torchFile('a'), 1000)
    await writeAt(watched, 'step_20.pth', torchFile('b'), 2000)
    expect(await watched.settle()).toEqual(['step_20.pth'])
    expect(watched.told('passedOver')).toMatchObject([{ name: 'step_10.pth' }])
  })

  test('of steps that go back replace what was adopted at those steps', async () => {
    const watched = await Watched.begin()
    for (const step of [8, 16, 24]) {
      await writeAt(watched, `step_${step}.pth`, torchFile(`first ${step}`), 1000 + step)
      await watched.settle()
    }
    await writeAt(watched, 'step_16.pth', torchFile('second 16'), 2000)
    expect(await watched.settle()).toEqual(['step_16.pth'])
    expect(await watched.bytesOf(16, 'step_16.pth')).toEqual(torchFile('second 16'))
    expect(await watched.steps()).toEqual([8, 16, 24])
    expect((await watched.store.latest())?.step).toBe(16)
  })

  test.each<[string, StoreOptions, (watched: Watched) => Promise<unknown>, string]>([
    ['is pinned', {}, async ({ store }) => store.pin(8), 'step 8 is pinned, and was saved with other bytes'],
    [
      'is the best',
      { objectives: { loss: { metric: 'loss', direction: 'min' } } },
      async ({ store }) => store.attach(8, { loss: 1 }),
      'step 8 is the best loss, and was saved with other bytes',
    ],
  ])(
    'of a step that %s and is written again are left out, once and for all',
    async (_, options, protect, reason) => {
      const watched = await Watched.begin({}, options)
      await writeAt(watched, 'step_8.pth', torchFile('first'), 1000)
      await watched.settle()
      await protect(watched)
      await writeAt(watched, 'step_8.pth', torchFile('second'), 2000)
      expect(await watched.settle()).toEqual([])
      expect(watched.told('failed')).toEqual([])
      expect(watched.told('passedOver')).toMatchObject([{ name: 'step_8.pth', reason }])
      expect(await watched.bytesOf(8, 'step_8.pth')).toEqual(torchFile('first'))
    },
  )

  test('of one step the one written last is adopted, whatever their names', async () => {
    const watched = await Watched.begin()
    await writeAt(watched, 'epoch=3-val_loss=0.30.ckpt', torchFile('after going back'), 2000)
    await writeAt(watched, 'epoch=3-val_loss=0.21.ckpt', torchFile('before'), 1000)
    expect(await watched.settle()).toEqual(['epoch=3-val_loss=0.21.ckpt', 'epoch=3-val_loss=0.30.ckpt'])
    watched.restart()
    expect(await watched.settle()).toEqual([])
    expect((await watched.store.list()).map(({ metrics }) => metrics)).toEqual([{ val_loss: 0.3 }])
  })

  test('without numbers are left out beside those with numbers', async () => {
    const watched = await Watched.begin()
    await watched.write('epoch_5.pth', torchFile('five'))
    await watched.write('best.pth', torchFile('five'))
    expect(await watched.settle()).toEqual(['epoch_5.pth'])
    expect(watched.told('passedOver')).toMatchObject([{ name: 'best.pth' }])
  })

  test('of one file that is overwritten are counted', async () => {
    const watched = await Watched.begin()
    for (const text of ['one', 'two', 'three']) {
      await watched.write('checkpoint.pth', torchFile(text))
      expect(await watched.settle()).toEqual(['checkpoint.pth'])
    }
    expect(await watched.steps()).toEqual([1, 2, 3])
    watched.restart()
    expect(await watched.settle()).toEqual([])
    await watched.write('checkpoint.pth', torchFile('three'))
    expect(await watched.settle()).toEqual([])
  })

  test('a step that a program saved itself is never replaced', async () => {
    const watched = await Watched.begin()
    await watched.store.save({ step: 1, files: { model: Buffer.from('its own') } })
    await watched.write('step_1.pth', torchFile('a'))
    expect(await watched.settle()).toEqual([])
    expect(await watched.steps()).toEqual([1])
    expect(String(await watched.bytesOf(1, 'model'))).toBe('its own')
  })
})

describe('what was adopted', () => {
  test('is not adopted again after a restart', async () => {
    const watched = await Watched.begin()
    await watched.write('step_1.pth', torchFile('a'))
    expect(await watched.settle()).toEqual(['step_1.pth'])
    watched.restart()
    expect(await watched.settle()).toEqual([])
  })

  test('is not adopted again after the store has dropped it', async () => {
    const watched = await Watched.begin({}, { retention: { keepLast: 1 } })
    for (const step of [1, 2, 3]) {
      await watched.write(`step_${step}.pth`, torchFile(`state ${step}`))
      await watched.settle()
    }
    expect(await watched.steps()).toEqual([3])
    watched.restart()
    expect(await watched.settle()).toEqual([])
    // A copy has the same name and bytes, but another inode and other times.
    await rm(watched.path('step_1.pth'))
    await watched.write('step_1.pth', torchFile('state 1'))
    expect(await watched.settle()).toEqual([])
    expect(await watched.steps()).toEqual([3])
  })

  test('is recognised by the store if the folder has forgotten it', async () => {
    const watched = await Watched.begin()
    await watched.write('step_1.pth', torchFile('a'))
    await watched.settle()
    await rm(watched.path((await memoryFiles(watched))[0] ?? ''))
    watched.restart()
    expect(await watched.settle()).toEqual([])
    expect(watched.told('known')).toEqual([{ type: 'known', name: 'step_1.pth', step: 1, isListed: true }])
    expect(await memoryFiles(watched)).toHaveLength(1)
  })

  test('is still adopted into another store', async () => {
    const watched = await Watched.begin()
    await watched.write('step_1.pth', torchFile('a'))
    await watched.settle()
    const other = await Watched.begin()
    await rename(watched.path('step_1.pth'), other.path('step_1.pth'))
    await rename(
      watched.path((await memoryFiles(watched))[0] ?? ''),
      other.path((await memoryFiles(watched))[0] ?? ''),
    )
    expect(await other.settle()).toEqual(['step_1.pth'])
  })

  test('survives a damaged memory', async () => {
    const watched = await Watched.begin()
    await watched.write('step_1.pth', torchFile('a'))
    await watched.settle()
    await watched.write((await memoryFiles(watched))[0] ?? '', '\n{"name": "step_1.pth", "ste')
    watched.restart()
    expect(await watched.settle()).toEqual([])
    expect(await watched.steps()).toEqual([1])
  })

  test('stays in the store after the trainer deletes its files', async () => {
    const watched = await Watched.begin()
    await watched.write('step_1.pth', torchFile('a'))
    await watched.settle()
    await rm(watched.path('step_1.pth'))
    expect(await watched.settle()).toEqual([])
    expect(await watched.steps()).toEqual([1])
  })

  async function memoryFiles(watched: Watched): Promise<readonly string[]> {
    return (await readdir(watched.folder)).filter((name) => name.startsWith('.holdfast-watch-'))
  }
})

describe('the files of the trainer', () => {
  test('are left as they are', async () => {
    const watched = await Watched.begin()
    await watched.write('step_1.pth', torchFile('a'))
    const before = await stat(watched.path('step_1.pth'))
    await watched.settle()
    const after = await stat(watched.path('step_1.pth'))
    expect([after.ino, after.nlink, after.mtimeMs]).toEqual([before.ino, 1, before.mtimeMs])
  })

  test('are deleted with consume, once the store has them', async () => {
    const watched = await Watched.begin({
      consume: true,
      layout: { pattern: 'step_{step}/', completeWhen: 'DONE' },
    })
    await watched.write('step_1/model.bin', 'weights')
    await watched.write('step_1/DONE', '')
    await watched.write('step_2/model.bin', 'half')
    expect(await watched.settle()).toEqual(['step_1'])
    expect(watched.told('consumed')).toEqual([{ type: 'consumed', name: 'step_1' }])
    expect((await readdir(watched.folder)).filter((name) => !name.endsWith('.jsonl'))).toEqual(['step_2'])
  })

  test('are deleted with consume after a restart, if they were adopted before it', async () => {
    const watched = await Watched.begin()
    await watched.write('step_1.pth', torchFile('a'))
    await watched.settle()
    const adopted: readonly string[] = (
      await importFolder(watched.store, watched.folder, { consume: true, clock: watched.clock })
    ).adopted
    expect(adopted).toEqual([])
    expect(await readdir(watched.folder)).not.toContain('step_1.pth')
  })

  test('are kept with consume if the store has dropped them', async () => {
    const watched = await Watched.begin({}, { retention: { keepLast: 1 } })
    for (const step of [1, 2]) {
      await watched.write(`step_${step}.pth`, torchFile(`state ${step}`))
      await watched.settle()
    }
    await importFolder(watched.store, watched.folder, { consume: true, clock: watched.clock })
    const left = (await readdir(watched.folder)).filter((name) => name.endsWith('.pth'))
    expect(left).toEqual(['step_1.pth'])
  })
})

describe('a save that fails', () => {
  test('is tried again after a while, and other scans do not repeat it', async () => {
    const watched = await Watched.begin()
    const put = watched.backend.put.bind(watched.backend)
    let failures = 0
    watched.backend.put = async (key, source, options) => {
      if (!key.endsWith('.pth') || failures === 2) return put(key, source, options)
      failures += 1
      return put('../outside', source, options)
    }
    await watched.write('step_1.pth', torchFile('a'))
    expect(await watched.settle()).toEqual([])
    expect(await watched.scan()).toEqual([])
    expect(failures).toBe(1)
    watched.clock.pass(5_000)
    expect(await watched.scan()).toEqual([])
    expect(failures).toBe(2)
    watched.clock.pass(5_000)
    expect(await watched.scan()).toEqual([])
    watched.clock.pass(5_000)
    expect(await watched.scan()).toEqual(['step_1.pth'])
    expect(watched.told('failed').map(({ retryIn }) => retryIn)).toEqual([5_000, 10_000])
  })

  test('ends the watch if another writer owns the store', async () => {
    const watched = await Watched.begin()
    await storeOn(watched.backend, { mode: 'exclusive' }).save({ step: 1, files: { a: Buffer.from('a') } })
    await watched.write('step_2.pth', torchFile('a'))
    await expect(watched.settle()).rejects.toMatchObject({ code: 'FENCED' })
  })
})

describe('watchFolder', () => {
  test('adopts what appears, and at its end what is complete by then', async () => {
    const watched = await Watched.begin()
    const clock = new TestClock()
    const ended = new AbortController()
    let waits = 0
    clock.onWait = async () => {
      waits += 1
      if (waits === 1) await watched.write('step_1.pth', torchFile('a'))
      if (waits === 20) {
        await watched.write('step_2.pth', torchFile('b'))
        await watched.write('step_3.pth', torchFile('c').subarray(0, 50))
        ended.abort()
      }
    }
    const events: WatchEvent[] = []
    const { adopted } = await watchFolder(watched.store, watched.folder, {
      clock,
      until: ended.signal,
      notifications: false,
      onEvent: (event) => events.push(event),
    })
    expect(adopted).toEqual(['step_1.pth', 'step_2.pth'])
    expect(events.map(({ type }) => type)).toContain('incomplete')
    expect(waits).toBeGreaterThanOrEqual(20)
  })

  test('waits for a folder that does not exist yet', async () => {
    const watched = await Watched.begin()
    const clock = new TestClock()
    const ended = new AbortController()
    const folder = watched.path('later/out')
    clock.onWait = async () => {
      if (clock.now() > 20_000) ended.abort()
      else if (clock.now() < 6_000) await watched.write('later/out/step_1.pth', torchFile('a'))
    }
    const { adopted } = await watchFolder(watched.store, folder, { clock, until: ended.signal })
    expect(adopted).toEqual(['step_1.pth'])
  })

  test('wakes up when the system reports a change', async () => {
    const watched = await Watched.begin()
    const ended = new AbortController()
    await mkdir(watched.path('out'))
    const { adopted } = await watchFolder(watched.store, watched.path('out'), {
      pollInterval: 3_600_000,
      quietPeriod: 1,
      until: ended.signal,
      clock: {
        now: () => performance.now(),
        wallTime: () => Date.now(),
        wait: async (milliseconds, wake) => {
          if (milliseconds < 1_000_000 || wake.aborted) return
          // Only the notification of this write ends the wait.
          const woken = new Promise<void>((resolve) => {
            wake.addEventListener('abort', () => {
              resolve()
            })
          })
          await watched.write('out/step_1.pth', torchFile('a'))
          await woken
        },
      },
      onEvent: ({ type }) => {
        if (type === 'adopted') ended.abort()
      },
    })
    expect(adopted).toEqual(['step_1.pth'])
  })

  test('ends at once when its signal fires, also within a save', async () => {
    const watched = await Watched.begin()
    const stop = new AbortController()
    await watched.write('step_1.pth', torchFile('a', 5_000_000))
    const watching = watchFolder(watched.store, watched.folder, {
      clock: watched.clock,
      signal: stop.signal,
      onProgress: () => {
        stop.abort()
      },
    })
    await expect(watching).rejects.toMatchObject({ code: 'ABORTED' })
    expect(await watched.steps()).toEqual([])
  })

  test('refuses options that are misspelt or out of range', async () => {
    const watched = await Watched.begin()
    const misspelt = { quietperiod: 1 } as object
    await expect(watchFolder(watched.store, '.', misspelt)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
    for (const [options, name] of [
      [{ quietPeriod: -1 }, 'quietPeriod'],
      [{ longQuietPeriod: '2 m' as '2 min' }, 'longQuietPeriod'],
      [{ pollInterval: Number.NaN }, 'pollInterval'],
    ] as const)
      await expect(watchFolder(watched.store, '.', options)).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining(`${name}: `) as string,
      })
  })
})

describe('importFolder', () => {
  test('adopts 300 old files by step, with metrics from a CSV, and once only', async () => {
    const watched = await Watched.begin()
    const lines = ['step,val_loss']
    for (let step = 300; step >= 1; step -= 1) {
      await watched.write(`old/checkpoint_e${step}.pth`, torchFile(`state ${step}`))
      await utimes(watched.path(`old/checkpoint_e${step}.pth`), 1000, 1000)
      lines.push(`${step},${step / 1000}`)
    }
    await watched.write('metrics.csv', lines.join('\n'))
    const options = { metricsFile: watched.path('metrics.csv'), clock: watched.clock }
    const dry = await importFolder(watched.store, watched.path('old'), { ...options, dryRun: true })
    expect(await watched.steps()).toEqual([])
    const { adopted } = await importFolder(watched.store, watched.path('old'), options)
    expect(adopted).toEqual(dry.adopted)
    expect(adopted).toHaveLength(300)
    expect(adopted.at(-1)).toBe('checkpoint_e300.pth')
    expect((await watched.store.latest())?.metrics).toEqual({ val_loss: 0.3 })
    expect(dry.planned.at(-1)).toMatchObject({ epoch: 300, metrics: { val_loss: 0.3 } })
    expect((await importFolder(watched.store, watched.path('old'), options)).adopted).toEqual([])
  })

  test('does not wait for files that were written long ago', async () => {
    const watched = await Watched.begin()
    await watched.write('step_1.pth', torchFile('a'))
    await utimes(watched.path('step_1.pth'), 1000, 1000)
    const clock = new TestClock()
    await importFolder(watched.store, watched.folder, { clock })
    expect(clock.now()).toBe(0)
  })

  test('waits until a file that was just written is quiet', async () => {
    const watched = await Watched.begin()
    await watched.write('step_1.pth', torchFile('a'))
    const clock = new TestClock()
    const { adopted } = await importFolder(watched.store, watched.folder, { clock })
    expect(adopted).toEqual(['step_1.pth'])
    expect(clock.now()).toBe(2_000)
  })

  test('a dry run reports what would be skipped, and why', async () => {
    const watched = await Watched.begin()
    await watched.store.save({ step: 1, files: { model: Buffer.from('its own') } })
    await watched.write('step_1.pth', torchFile('a'))
    await watched.write('step_2.pth', torchFile('b'))
    const { planned } = await importFolder(watched.store, watched.folder, { dryRun: true })
    expect(planned.map(({ name, decision }) => [name, decision.do])).toEqual([
      ['step_1.pth', 'pass over'],
      ['step_2.pth', 'save'],
    ])
    expect(await readdir(watched.folder)).toEqual(['step_1.pth', 'step_2.pth'])
  })

  test('rejects a folder without a checkpoint of a known format', async () => {
    const watched = await Watched.begin()
    await watched.write('notes.txt', 'nothing')
    await expect(importFolder(watched.store, watched.folder)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
  })
})
