import { describe, expect, test } from 'vitest'
import { type CheckpointStore, copyCheckpoints } from '../../../src/index.ts'
import { codeOf, FaultyBackend, storeOn } from '../../stores.ts'
import { copied, filesOf, latestStep, stepsOf } from '../copy/copies.ts'
import { newPlaces, openMirrored, type Places, readerOf, saveAll, saveMirrored } from './mirrors.ts'

/** Saves steps with a mirror that this process does not wait for, and that gets nothing. */
async function saveWithoutCopies(places: Places, ...steps: readonly number[]): Promise<void> {
  const mirror = new FaultyBackend('mem:mirror')
  mirror.intercept = () => 'fail before'
  const store = openMirrored({ ...places, mirror }, { mode: 'shared', mirrorOptions: { flushLimit: 0 } })
  await saveAll(store, ...steps)
  await store.close()
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
    const refused = { code: 'FENCED', hint: { kind: 'own-mirror' } }
    await expect(copied(from, to, { dryRun: true })).rejects.toMatchObject(refused)
    await expect(copied(from, to)).rejects.toMatchObject(refused)
    await expect(copied(from, to, { checkpoints: [2] })).rejects.toMatchObject(refused)
    expect(await stepsOf(to)).toEqual([1, 7])
  })

  test('is left to the process that owns the store without a job', async () => {
    const places = newPlaces()
    const owner = openMirrored(places, { mirrorOptions: { flushLimit: 0 } })
    await saveAll(owner, 1)
    const copying = copied(readerOf(places.disk), readerOf(places.mirror))
    await expect(copying).rejects.toMatchObject({ code: 'FENCED', hint: undefined })
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
