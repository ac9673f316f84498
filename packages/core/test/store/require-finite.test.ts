import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { MemoryBackend } from '../../src/index.ts'
import { keysOf, storeOn } from '../stores.ts'

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../tensors/fixtures/${name}`, import.meta.url))

describe.each([
  ['a path', (name: string) => fixture(name)],
  ['bytes', (name: string) => readFileSync(fixture(name))],
  [
    'a stream',
    (name: string) =>
      (async function* () {
        for (const byte of readFileSync(fixture(name))) yield Uint8Array.of(byte)
      })(),
  ],
])('a save of %s with requireFinite', (_, contentOf) => {
  test.each(['finite.pt', 'finite.safetensors', 'training.pt', 'legacy.pt'])('accepts %s', async (name) => {
    const store = storeOn(new MemoryBackend())
    await store.save({ step: 1, files: { name: contentOf(name) }, requireFinite: true })
    expect((await store.latest())?.step).toBe(1)
  })

  test.each([
    ['bfloat16-nan.safetensors', 'bfloat16', 5],
    ['training-nan.pt', 'optimizer.state.1.exp_avg', 2],
  ])('refuses %s, names the tensor and leaves nothing', async (name, tensor, index) => {
    const backend = new MemoryBackend()
    const store = storeOn(backend)
    await store.save({ step: 1, files: { good: Buffer.from('good') } })
    const before = await keysOf(backend, 'data/')
    await expect(
      store.save({
        step: 2,
        files: { model: contentOf(name), log: Buffer.from('log') },
        requireFinite: true,
      }),
    ).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(
        `The tensor "${tensor}" of "model" has NaN or infinity at element ${index}.`,
      ) as string,
    })
    expect(await keysOf(backend, 'data/')).toEqual(before)
    expect((await store.list()).map(({ step }) => step)).toEqual([1])
  })
})

test('saves tensors with NaN without requireFinite', async () => {
  const store = storeOn(new MemoryBackend())
  await store.save({ step: 1, files: { model: fixture('training-nan.pt') } })
  expect((await store.latest())?.step).toBe(1)
})

test('refuses a backend that does not show the bytes that it stores', async () => {
  const backend = new MemoryBackend()
  const put = backend.put.bind(backend)
  backend.put = async (key, source, options) => put(key, source, { ...options, observe: undefined })
  await expect(
    storeOn(backend).save({ step: 1, files: { model: fixture('finite.pt') }, requireFinite: true }),
  ).rejects.toMatchObject({ code: 'UNSUPPORTED' })
})

test('warns of a file whose name promises tensors and whose format cannot be checked', async () => {
  const store = storeOn(new MemoryBackend())
  const files = {
    'legacy.pt': fixture('legacy.pt'),
    'good.pt': fixture('finite.pt'),
    'log.txt': Buffer.from('log'),
  }
  const { warnings } = await store.save({ step: 1, files, requireFinite: true })
  expect(warnings).toEqual([
    'Not checked for NaN and infinity, since the format is not known: legacy.pt. ' +
      'safetensors files and uncompressed files of torch.save can be checked.',
  ])
  expect((await store.save({ step: 2, files })).warnings).toEqual([])
})
