import { describe, expect, test } from 'vitest'
import { MemoryBackend } from '../../../src/index.ts'
import { codeOf, FaultyBackend, keysOf, storeOn, temporaryFolder } from '../../stores.ts'
import { latestStep, stepsOf } from '../copy/copies.ts'
import { eventsOf, newPlaces, openMirrored, type Places, readerOf, saveAll, saveMirrored } from './mirrors.ts'

/** The disk of another node with the same mirror. */
function otherNode({ mirror }: Places): Places {
  return { ...newPlaces(), mirror }
}

interface Run {
  readonly back: number | undefined
  readonly state: string | undefined
}

/** A run on a node: it continues from the mirror, saves steps, and ends. */
async function runOn(
  places: Places,
  steps: readonly number[],
  mirrorOptions: { readonly takeOver?: boolean } = {},
): Promise<Run> {
  const store = openMirrored(places, { mirrorOptions })
  const back = (await store.mirror?.bringBack())?.step
  await saveAll(store, ...steps)
  const status = await store.mirror?.flush()
  await store.close()
  return { back, state: status?.state }
}

describe('a run that moves to another node and comes back', () => {
  test('continues from the mirror, and mirrors again only if it is told to take the mirror over', async () => {
    const places = newPlaces()
    const other = otherNode(places)
    await runOn(places, [1, 2])
    expect(await runOn(other, [3])).toEqual({ back: 2, state: 'idle' })
    expect(await runOn(places, [4])).toEqual({ back: 3, state: 'fenced' })
    expect(await stepsOf(readerOf(places.mirror))).toEqual([1, 2, 3])
    expect(await runOn(places, [5], { takeOver: true })).toEqual({ back: undefined, state: 'idle' })
    expect(await stepsOf(readerOf(places.mirror))).toEqual([1, 2, 3, 4, 5])
    expect(await runOn(other, [6])).toEqual({ back: 5, state: 'fenced' })
  })

  test.each<[string, readonly number[]]>([
    ['has saved nothing yet', []],
    ['has saved', [3]],
  ])('does not take the mirror from a node whose run goes on and %s', async (_, steps) => {
    const places = newPlaces()
    const other = otherNode(places)
    await runOn(places, [1])
    await runOn(other, [2])
    const live = openMirrored(other)
    await live.mirror?.bringBack()
    await saveMirrored(live, ...steps)
    expect(await runOn(places, [50])).toEqual({ back: steps.at(-1) ?? 2, state: 'fenced' })
    await saveMirrored(live, 4)
    expect(await latestStep(readerOf(places.mirror))).toBe(4)
    expect(await stepsOf(readerOf(places.mirror))).not.toContain(50)
  })

  test('reports when it begins that it may not mirror, and writes nothing to the mirror', async () => {
    const places = newPlaces()
    await runOn(places, [1])
    await runOn(otherNode(places), [2])
    const before = await keysOf(places.mirror)
    const store = openMirrored(places)
    const failures = eventsOf(store, 'mirrorFailed')
    expect(await store.mirror?.bringBack()).toMatchObject({ step: 2 })
    expect(failures).toMatchObject([{ error: { code: 'FENCED', hint: { kind: 'own-mirror' } } }])
    const status = await readerOf(places.disk).mirrorStatus()
    expect(status).toMatchObject({ state: 'fenced', newest: { step: 2 }, waiting: [] })
    expect(await keysOf(places.mirror)).toEqual(before)
  })

  test('does not take the mirror back if the other node has rewound to a checkpoint that this one has', async () => {
    const places = newPlaces()
    const other = otherNode(places)
    await runOn(places, [1, 2])
    await runOn(other, [3])
    const store = openMirrored(other)
    await store.mirror?.bringBack()
    await store.rewind(2)
    await store.mirror?.flush()
    await store.close()
    expect(await runOn(places, [])).toMatchObject({ state: 'fenced' })
    expect(await latestStep(readerOf(places.mirror))).toBe(2)
  })
})

test('a run that begins reads the mirror once, also if the mirror cannot be read', async () => {
  const mirror = new FaultyBackend('mem:mirror')
  const places = { ...newPlaces(), mirror }
  await runOn(places, [1])
  for (const fate of ['pass', 'fail before'] as const) {
    mirror.intercept = () => fate
    const store = openMirrored(places, { mirrorOptions: { flushLimit: 0 } })
    const choices = eventsOf(store, 'restoringFrom')
    const mirrorReading = (await store.mirror?.bringBack())?.reading
    const { length } = mirror.calls
    expect((await store.restore('latest', { to: await temporaryFolder(), mirrorReading }))?.step).toBe(1)
    expect(mirror.calls).toHaveLength(length)
    expect(choices.at(-1)).toMatchObject({ from: 'store', isMirrorRead: fate === 'pass' })
    mirror.intercept = () => 'pass'
  }
})

describe('a run whose catalog is lost while the mirror cannot be read', () => {
  /** Returns the step that the run restores. `lost` are the prefixes of the objects that the store has lost. */
  async function continued(...lost: readonly string[]): Promise<number | undefined> {
    const mirror = new FaultyBackend('mem:mirror')
    const places = { ...newPlaces(), mirror }
    await runOn(places, [1, 2])
    for (const prefix of lost) await places.disk.delete(await keysOf(places.disk, prefix))
    mirror.intercept = () => 'fail before'
    const store = openMirrored(places, { mirrorOptions: { flushLimit: 0 } })
    const mirrorReading = (await store.mirror?.bringBack())?.reading
    await store.repair()
    const restored = await store.restore('latest', { to: await temporaryFolder(), mirrorReading })
    return restored?.step
  }

  test('continues from the latest checkpoint that a repair finds', async () => {
    expect(await continued('catalog/')).toBe(2)
  })

  test('does not continue from nothing if a repair finds no checkpoint', async () => {
    expect(await codeOf(continued('catalog/', 'data/'))).toBe('UNAVAILABLE')
  })
})

test.each<['can' | 'cannot']>([['can'], ['cannot']])(
  'a restore during a run finds what was mirrored since the run began, if the mirror %s be read when it began',
  async (ability) => {
    const mirror = new FaultyBackend('mem:mirror')
    const places = { ...newPlaces(), mirror }
    await runOn(places, [1])
    const store = openMirrored(places)
    if (ability === 'cannot') mirror.intercept = () => 'fail before'
    await store.mirror?.bringBack()
    mirror.intercept = () => 'pass'
    await saveMirrored(store, 2)
    const files = (await keysOf(places.disk)).filter((key) => key.startsWith('data/2-'))
    await places.disk.delete(files)
    const restored = await store.restore('latest', { to: await temporaryFolder(), fallback: true })
    expect(restored).toMatchObject({ step: 2, source: { from: 'mirror' } })
  },
)

test('a restore refuses a reading of another mirror', async () => {
  const reading = (await openMirrored(newPlaces()).mirror?.bringBack())?.reading
  const store = storeOn(new MemoryBackend())
  expect(await codeOf(store.restore('latest', { to: 'unused', mirrorReading: reading }))).toBe(
    'INVALID_ARGUMENT',
  )
})

/** A mirror that lets a test act before the next read of its marker. */
class PausedBackend extends MemoryBackend {
  act: (() => Promise<void>) | undefined

  override async read(...parameters: Parameters<MemoryBackend['read']>) {
    const { act } = this
    if (parameters[0] === 'holdfast.json' && act !== undefined) {
      this.act = undefined
      await act()
    }
    return super.read(...parameters)
  }
}

test('a store is not taken for a clone if another process of it saves and copies during a round', async () => {
  const mirror = new PausedBackend('mem:mirror')
  const places = { ...newPlaces(), mirror }
  const [one, other] = [openMirrored(places, { mode: 'shared' }), openMirrored(places, { mode: 'shared' })]
  await saveMirrored(one, 1)
  mirror.act = () => saveMirrored(other, 3)
  await saveAll(one, 2)
  expect(await one.mirror?.flush()).toMatchObject({ state: 'idle', waiting: [] })
  expect(await stepsOf(readerOf(mirror))).toEqual([1, 2, 3])
})
