import { describe, expect, test } from 'vitest'
import { type CheckpointStore, copyCheckpoints, type StoreOptions } from '../../../src/index.ts'
import { codeOf, FaultyBackend, flipBit, keysOf, storeOn, tamper } from '../../stores.ts'
import { copied, filesOf, latestStep, stepsOf } from '../copy/copies.ts'
import { cloneOf, newPlaces, openMirrored, type Places, readerOf, saveAll, saveMirrored } from './mirrors.ts'

/** Opens a store with a mirror that this process does not wait for, and that gets nothing. */
function openWithoutCopies(places: Places, options: StoreOptions = {}): CheckpointStore {
  const mirror = new FaultyBackend('mem:mirror')
  mirror.intercept = () => 'fail before'
  return openMirrored({ ...places, mirror }, { ...options, mirrorOptions: { flushLimit: 0 } })
}

async function saveWithoutCopies(places: Places, ...steps: readonly number[]): Promise<void> {
  const store = openWithoutCopies(places, { mode: 'shared' })
  await saveAll(store, ...steps)
  await store.close()
}

/** Damages a file of a step in the store. */
async function damage({ disk }: Places, step: number, name: string): Promise<void> {
  const key = (await keysOf(disk, `data/${step}-`)).find((each) => each.endsWith(name)) ?? ''
  await tamper(disk, key, flipBit)
}

async function waitingOf(places: Places): Promise<readonly number[] | undefined> {
  return (await readerOf(places.disk).mirrorStatus())?.waiting.map(({ step }) => step)
}

describe('a copy from a store into its own mirror', () => {
  test('is one of the store, also before the mirror exists', async () => {
    const places = newPlaces()
    await saveWithoutCopies(places, 1, 2)
    expect(await waitingOf(places)).toEqual([1, 2])
    const [from, to] = [readerOf(places.disk), readerOf(places.mirror)]
    expect(await copied(from, to, { dryRun: true })).toEqual(['copied 1', 'copied 2'])
    expect(await copied(from, to)).toEqual(['copied 1', 'copied 2'])
    expect(await waitingOf(places)).toEqual([])
    expect(await copied(from, to)).toEqual(['there 1', 'there 2'])
    const store = openMirrored(places)
    await saveMirrored(store, 3)
    expect(await stepsOf(readerOf(places.mirror))).toEqual([1, 2, 3])
  })

  test('brings what waits, late metrics, pins and rewinds, and leaves the mirror to the store', async () => {
    const places = newPlaces()
    const store = openMirrored(places, { mode: 'shared' })
    await saveMirrored(store, 8, 16, 24)
    await store.close()
    await saveWithoutCopies(places, 32)
    const [from, to] = [readerOf(places.disk), readerOf(places.mirror)]
    await from.attach(8, { accuracy: 0.5 })
    await from.pin(8, 'before lr drop')
    await from.rewind(16)
    await from.save({ step: 24, files: filesOf(240) })
    const report = await copyCheckpoints(from, to)
    expect(report.abandonedSteps).toEqual([24])
    expect(report.outcomes.map(({ kind, step }) => `${kind} ${step}`)).toEqual([
      'updated 8',
      'updated 16',
      'copied 24',
    ])
    expect(await waitingOf(places)).toEqual([])
    expect((await to.list()).map(({ step, pinned }) => [step, pinned?.reason])).toEqual([
      [8, 'before lr drop'],
      [16, undefined],
      [24, undefined],
    ])
    await saveMirrored(openMirrored(places, { mode: 'shared' }), 40)
    expect(await latestStep(to)).toBe(40)
  })

  test('refuses a store that is closed, and writes nothing to it', async () => {
    const places = newPlaces()
    await saveMirrored(openMirrored(places, { mode: 'shared' }), 1)
    await saveWithoutCopies(places, 2)
    const from = readerOf(places.disk)
    await from.close()
    const before = await keysOf(places.disk)
    expect(await codeOf(copyCheckpoints(from, readerOf(places.mirror)))).toBe('INVALID_ARGUMENT')
    expect(await keysOf(places.disk)).toEqual(before)
  })

  test('copies only the checkpoints that it names', async () => {
    const places = newPlaces()
    await saveMirrored(openMirrored(places, { mode: 'shared' }), 1)
    await saveWithoutCopies(places, 2, 3)
    const [from, to] = [readerOf(places.disk), readerOf(places.mirror)]
    expect(await copied(from, to, { checkpoints: [3], dryRun: true })).toEqual(['copied 3'])
    expect(await copied(from, to, { checkpoints: [3] })).toEqual(['copied 3'])
    expect(await stepsOf(to)).toEqual([1, 3])
    expect(await copied(from, to)).toEqual(['there 1', 'there 3', 'copied 2'])
  })

  test('is possible beside the processes of a job, and ends no save of them', async () => {
    const places = newPlaces()
    const job = openMirrored(places, { job: 'training' })
    await saveMirrored(job, 1)
    await copied(readerOf(places.disk), readerOf(places.mirror))
    await saveAll(job, 2)
    expect(await copied(readerOf(places.disk), readerOf(places.mirror))).toContain('there 1')
    await saveMirrored(job, 3)
    expect(await stepsOf(readerOf(places.mirror))).toEqual([1, 2, 3])
  })

  test('goes on when a job takes the store over', async () => {
    const places = newPlaces()
    await saveWithoutCopies(places, 1)
    const [from, to] = [readerOf(places.disk), readerOf(places.mirror)]
    await copied(from, to)
    const job = openMirrored(places, { job: 'training', takeOver: true, mirrorOptions: { flushLimit: 0 } })
    await saveAll(job, 2)
    await job.close()
    await copied(from, to)
    expect(await stepsOf(to)).toEqual([1, 2])
    expect(await waitingOf(places)).toEqual([])
  })

  test('is refused before a byte is sent if another store took the mirror over, also in a dry run', async () => {
    const places = newPlaces()
    await saveMirrored(openMirrored(places, { mode: 'shared' }), 1)
    await saveWithoutCopies(places, 2)
    const other = openMirrored(
      { ...newPlaces(), mirror: places.mirror },
      { mirrorOptions: { takeOver: true } },
    )
    await saveMirrored(other, 7)
    const [from, to] = [readerOf(places.disk), readerOf(places.mirror)]
    const message = expect.stringContaining('Restore from the mirror first') as string
    const refused = { code: 'FENCED', message }
    await expect(copied(from, to, { dryRun: true })).rejects.toMatchObject(refused)
    await expect(copied(from, to)).rejects.toMatchObject(refused)
    await expect(copied(from, to, { checkpoints: [2] })).rejects.toMatchObject(refused)
    expect(await stepsOf(to)).toEqual([1, 7])
  })

  test('is left to the process that owns the store without a job, unless the copy may take the store over', async () => {
    const places = newPlaces()
    const owner = openWithoutCopies(places)
    await saveAll(owner, 1, 2)
    const to = readerOf(places.mirror)
    const refused = { code: 'FENCED', url: 'mem:disk', hint: { kind: 'take-over' } }
    await expect(copied(readerOf(places.disk), to)).rejects.toMatchObject(refused)
    await expect(copied(storeOn(places.disk), to)).rejects.toMatchObject(refused)
    const told = storeOn(places.disk, { mode: 'shared', takeOver: true })
    expect(await copied(told, to, { dryRun: true })).toEqual(['copied 1', 'copied 2'])
    await saveAll(owner, 3)
    expect(await copied(told, to)).toEqual(['copied 1', 'copied 2', 'copied 3'])
    expect(await waitingOf(places)).toEqual([])
    expect(await codeOf(saveAll(owner, 4))).toBe('FENCED')
  })

  test('does not take the store over from a job, whose saves go on', async () => {
    const places = newPlaces()
    const job = openWithoutCopies(places, { job: 'training' })
    await saveAll(job, 1)
    await copied(storeOn(places.disk, { mode: 'shared', takeOver: true }), readerOf(places.mirror))
    await saveAll(job, 2)
  })

  test('is refused into a clone of the mirror, which is not recorded as the mirror', async () => {
    const places = newPlaces()
    await saveMirrored(openMirrored(places, { mode: 'shared' }), 1)
    await saveWithoutCopies(places, 2)
    const clone = await cloneOf(places.mirror)
    await expect(copied(readerOf(places.disk), readerOf(clone))).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/^mem:clone has the same id as mem:mirror, /) as string,
    })
    expect(await waitingOf(places)).toEqual([2])
    expect(await stepsOf(readerOf(clone))).toEqual([1])
  })

  test('reports each checkpoint once, also if it keeps another in the place of a corrupt one', async () => {
    const places = newPlaces()
    await saveWithoutCopies(places, 1, 2, 3, 4)
    await damage(places, 4, 'model.bin')
    const to = storeOn(places.mirror, { mode: 'shared', retention: { keepLast: 2 } })
    expect(await copied(readerOf(places.disk), to)).toEqual([
      'copied 3',
      'failed 4: CORRUPT',
      'copied 2',
      'skipped 1: not among the last 2',
    ])
    expect(await stepsOf(to)).toEqual([2, 3])
  })

  test('reports in a dry run what is corrupt, and what the mirror would keep in its place', async () => {
    const places = newPlaces()
    await saveWithoutCopies(places, 1, 2, 3)
    await damage(places, 3, 'manifest.json')
    const to = storeOn(places.mirror, { mode: 'shared', retention: { keepLast: 1 } })
    expect(await copied(readerOf(places.disk), to, { dryRun: true })).toEqual([
      'failed 3: CORRUPT',
      'skipped 1: not among the last 1',
      'copied 2',
    ])
    expect(await keysOf(places.mirror)).toEqual([])
  })

  test('reports the pin that a copy loses', async () => {
    const places = newPlaces()
    await saveMirrored(openMirrored(places, { mode: 'shared' }), 1, 2)
    const [from, to] = [readerOf(places.disk), readerOf(places.mirror)]
    await from.pin(1)
    expect(await copied(from, to)).toEqual(['updated 1', 'there 2'])
    await from.unpin(1)
    const { outcomes } = await copyCheckpoints(from, to)
    expect(outcomes).toMatchObject([
      { kind: 'updated', step: 1, what: ['pin'] },
      { kind: 'there', step: 2 },
    ])
    expect((await to.list()).map(({ pinned }) => pinned)).toEqual([undefined, undefined])
  })

  test('records in the store that the mirror fails, until it succeeds', async () => {
    const mirror = new FaultyBackend('mem:mirror')
    const places = { ...newPlaces(), mirror }
    await saveMirrored(openMirrored(places, { mode: 'shared' }), 1)
    await readerOf(places.disk).save({ step: 2, files: filesOf(2) })
    const state = async (): Promise<string | undefined> => (await readerOf(places.disk).mirrorStatus())?.state
    mirror.intercept = (method, key) => (method === 'put' && key.startsWith('data/') ? 'fail before' : 'pass')
    const [from, to] = [readerOf(places.disk), readerOf(mirror)]
    expect(await state()).toBeUndefined()
    expect(await codeOf(copied(from, to))).toBe('UNAVAILABLE')
    expect(await state()).toBe('failing')
    mirror.intercept = () => 'pass'
    await copied(from, to)
    expect(await state()).toBeUndefined()
  })

  test('follows the options of copies', async () => {
    const places = newPlaces()
    await saveWithoutCopies(places, 1)
    const copying = copyCheckpoints(readerOf(places.disk), readerOf(places.mirror), { toStep: 1 })
    expect(await codeOf(copying)).toBe('INVALID_ARGUMENT')
  })
})

test('a writer that is not the store is not advised to join the job of a mirror', async () => {
  const places = newPlaces()
  await saveMirrored(openMirrored(places), 1)
  const stranger: CheckpointStore = storeOn(places.mirror, { mode: 'shared' })
  await expect(stranger.save({ step: 2, files: filesOf(2) })).rejects.toMatchObject({
    code: 'FENCED',
    hint: { kind: 'take-over', job: undefined },
  })
})
