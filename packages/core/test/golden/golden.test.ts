import { describe, expect, test } from 'vitest'
import { MemoryBackend } from '../../src/index.ts'
import { newestCatalogKey, readText, resealCatalog, to } from '../store/reseal.ts'
import { codeOf, flipBit, foldingEarly, keysOf, storeOn, tamper, temporaryFolder } from '../stores.ts'
import { readTree } from '../trees.ts'
import { goldenObjects, goldenStore, objectsOf } from './objects.ts'
import { readStore, Unsupported } from './reader-1.0.ts'

const listed = [10, 20, 30, 40, 60]

function textsOf(files: ReadonlyMap<string, Uint8Array>): readonly (readonly [string, string])[] {
  return [...files].map(([name, bytes]) => [name, Buffer.from(bytes).toString()])
}

describe.each(['1.0', '1.7'] as const)('the golden store of format %s', (name) => {
  test('is read by this version', async () => {
    const store = storeOn(await goldenStore(name), { mode: 'shared' })
    expect((await store.list()).map(({ step }) => step)).toEqual(listed)
    expect(await store.get(20)).toMatchObject({
      epoch: 2,
      tags: ['golden'],
      pinned: { reason: 'for good' },
      metrics: { loss: 0.05, odd: Number.NaN },
      metadata: { large: 12345678901234567890n, list: [1, 2.5, null] },
      dataState: { position: 20 },
    })
    expect((await store.best('loss'))?.step).toBe(60)
    expect((await store.quarantined()).map(({ step }) => step)).toEqual([50])
    const { checkpoints, good } = await store.verify()
    expect(checkpoints.flatMap(({ step, problems }) => (problems.length === 0 ? [step] : []))).toEqual(listed)
    expect(good).toBe(true)
    const restored = await store.restore('latest', { to: await temporaryFolder() })
    expect(restored?.restored.map((file) => file.name)).toEqual(['model.bin', 'optimizer/state.bin'])
  })

  test('is read by the rules of version 1.0', async () => {
    const { checkpoints, quarantined, metrics } = readStore(await goldenObjects(name))
    expect(checkpoints.map(({ step }) => step)).toEqual(listed)
    expect(quarantined).toEqual([50])
    expect(metrics.map(({ step }) => step)).toEqual([10, 20, 30, 40, 50, 60])
    for (const { step, files } of checkpoints) {
      expect(textsOf(files)).toEqual([
        ['model.bin', `the weights of step ${step}`],
        ['optimizer/state.bin', `the optimizer of step ${step}`],
      ])
    }
  })

  test('is rebuilt by a repair with its order keys if its catalog is lost', async () => {
    const backend = await goldenStore(name)
    const keysOfSaves = async (): Promise<readonly unknown[]> =>
      readStore(await objectsOf(backend)).checkpoints.map(({ step, entry }) => [step, entry['order']])
    const before = await keysOfSaves()
    await backend.delete(await keysOf(backend, 'catalog/'))
    await storeOn(backend, { mode: 'shared' }).repair()
    expect(await keysOfSaves()).toEqual(before)
    expect(before).toEqual(listed.map((step) => [step, { segment: 0, base: step / 10 }]))
  })

  test('is read by the rules of version 1.0 after this version wrote to it', async () => {
    const backend = await goldenStore(name)
    const store = storeOn(backend, {}, foldingEarly)
    await store.save({ step: 70, files: { a: Buffer.from('a') }, metrics: { loss: 0 } })
    await store.pin(10)
    await store.attach(40, { late: 1 })
    await store.close()
    const { checkpoints, metrics } = readStore(await objectsOf(backend))
    expect(checkpoints.map(({ step }) => step)).toEqual([...listed, 70])
    expect(metrics.find(({ step }) => step === 40)).toMatchObject({ metrics: { late: 1 } })
  })
})

describe('the golden store with files in manifests', () => {
  test('is read by this version', async () => {
    const store = storeOn(await goldenStore('inline'), { mode: 'shared' })
    expect((await store.verify()).good).toBe(true)
    const folder = await temporaryFolder()
    await store.restore(10, { to: folder })
    expect(await readTree(folder)).toEqual({ 'a.txt': 'first', empty: '' })
  })

  test('is refused by a reader that does not know them', async () => {
    const objects = await goldenObjects('inline')
    expect(() => readStore(objects)).toThrow(Unsupported)
  })
})

describe('the golden store with packs', () => {
  test('is read by this version', async () => {
    const store = storeOn(await goldenStore('packs'), { mode: 'shared' })
    expect((await store.verify()).good).toBe(true)
    const details = await store.get(10)
    expect(
      details?.files.map(({ name, offset, key }) => [name, offset, key.split('/').slice(2).join('/')]),
    ).toEqual([
      ['a.txt', 0, '.holdfast/packs/0'],
      ['b/c.txt', 5, '.holdfast/packs/0'],
      ['b/empty', 10, '.holdfast/packs/0'],
      ['w', undefined, 'w'],
    ])
    const texts = ['a.txt', 'b/c.txt', 'b/empty', 'w'].map(async (name) =>
      new Response((await store.read(10, name)).body).text(),
    )
    expect(await Promise.all(texts)).toEqual(['first', 'third', '', 'the weights'])
  })

  test('is refused by a reader that does not know packs', async () => {
    const objects = await goldenObjects('packs')
    expect(() => readStore(objects)).toThrow(Unsupported)
  })
})

describe('the golden store with shared files', () => {
  test('is read by this version, which names the checkpoints that share a damaged file', async () => {
    const backend = await goldenStore('shared')
    const store = storeOn(backend, { mode: 'shared' })
    expect((await store.verify()).good).toBe(true)
    for (const key of await keysOf(backend, 'data/'))
      if (/^data\/[13]0-.*\/backbone\.bin$/.test(key)) await tamper(backend, key, flipBit)
    const { checkpoints } = await store.verify()
    expect(checkpoints.map(({ step, problems }) => [step, ...problems])).toEqual([
      [10, expect.stringMatching(/^backbone\.bin differs .* shared with step 30$/)],
      [20],
      [30, expect.stringMatching(/^backbone\.bin differs .* shared with step 10$/)],
      [40],
    ])
  })

  test('is read by the rules of version 1.0', async () => {
    const { checkpoints } = readStore(await goldenObjects('shared'))
    expect(checkpoints.map(({ step, files }) => [step, ...textsOf(files)])).toEqual(
      [10, 20, 30, 40].map((step) => [
        step,
        ['backbone.bin', 'frozen'],
        ['head.bin', `head of step ${step}`],
      ]),
    )
  })
})

test('keeps what a newer minor version added to a golden store', async () => {
  const backend = await goldenStore('1.7')
  const added = '"added":{"large":12345678901234567890,"by":"a newer version"}'
  const count = async (): Promise<number> =>
    (await readText(backend, await newestCatalogKey(backend))).split(added).length - 1
  expect(await count()).toBe(7)
  const store = storeOn(backend, { mode: 'shared' })
  await store.attach(60, { later: 1 })
  await store.unpin(20)
  expect(await count()).toBe(7)
  expect(await readText(backend, await newestCatalogKey(backend))).toContain('"holdfast-catalog/1.7"')
})

test('refuses a golden store if it requires an unknown feature', async () => {
  const backend = await goldenStore('1.0')
  await resealCatalog(backend, { requires: to(['unheard-of']) })
  const before = await objectsOf(backend)
  expect(await codeOf(storeOn(backend).list())).toBe('UNSUPPORTED')
  expect(await codeOf(storeOn(backend).save({ step: 70, files: { a: Buffer.from('a') } }))).toBe(
    'UNSUPPORTED',
  )
  expect(await objectsOf(backend)).toEqual(before)
  expect(() => readStore(before)).toThrow(Unsupported)
})

test('writes stores that the rules of version 1.0 read', async () => {
  const backend = new MemoryBackend()
  const objectives = { loss: { metric: 'loss', direction: 'min' } } as const
  const retention = { keepLast: 4, keepBest: { loss: 2 } }
  const store = storeOn(backend, { objectives, retention }, foldingEarly)
  for (let step = 1; step <= 30; step += 1) {
    await store.save({
      step,
      files: { a: Buffer.from(`a of ${step}`), [`b/${step}`]: Buffer.from('b') },
      metrics: { loss: (step * 7) % 11 },
    })
  }
  await store.flush()
  const found = await store.list()
  const { checkpoints, metrics } = readStore(await objectsOf(backend))
  expect(checkpoints.map(({ step }) => step)).toEqual(found.map(({ step }) => step))
  expect(metrics).toHaveLength(30)
  for (const { step, files } of checkpoints)
    expect(textsOf(files)).toEqual([
      ['a', `a of ${step}`],
      [`b/${step}`, 'b'],
    ])
})
