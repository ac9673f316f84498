import { cp, lstat, mkdir, readFile, rm, symlink, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Wholeness, wholeness } from '../src/formats/whole-file.ts'
import type { Contents, WatchOptions } from '../src/index.ts'
import { safetensorsFile, torchFile } from './archives.ts'
import { fixtures, Watched } from './harness.ts'

/** Files of the real programs. See fixtures/generate.py. */
const written = [
  {
    program: 'PyTorch',
    fixture: 'torch',
    layout: 'torch',
    steps: { 2: {}, 3: {} },
  },
  { program: 'safetensors', fixture: 'safetensors', layout: 'safetensors', steps: { 40: {}, 41: {} } },
  {
    program: 'the Hugging Face Trainer',
    fixture: 'hugging-face',
    layout: 'hugging-face',
    steps: { 2: { eval_loss: expect.any(Number) as number }, 4: { loss: expect.any(Number) as number } },
  },
  {
    program: 'Lightning',
    fixture: 'lightning',
    layout: 'lightning',
    steps: { 2: { val_loss: expect.any(Number) as number }, 4: { val_loss: expect.any(Number) as number } },
  },
  { program: 'torch.distributed.checkpoint', fixture: 'dcp', layout: 'dcp', steps: { 30: {} } },
  { program: 'Orbax', fixture: 'orbax', layout: 'orbax', steps: { 5: {} } },
  { program: 'Keras', fixture: 'keras', layout: 'keras', steps: { 1: {} } },
] as const

describe('adopts what the real program writes', () => {
  test.each(written)('$program', async ({ fixture, layout, steps }) => {
    const watched = await Watched.begin()
    await cp(join(fixtures, fixture), watched.folder, { recursive: true, preserveTimestamps: true })
    await watched.settle()
    expect(watched.told('layout').map((event) => event.layout)).toEqual([layout])
    expect(watched.told('incomplete')).toEqual([])
    const listed = await watched.store.list()
    expect(Object.fromEntries(listed.map(({ step, metrics }) => [step, metrics]))).toMatchObject(steps)
    expect(listed).toHaveLength(Object.keys(steps).length)
  })
})

test('keeps the paths of files below the folder, so that a restore puts them back', async () => {
  const watched = await Watched.begin()
  await cp(join(fixtures, 'hugging-face'), watched.folder, { recursive: true })
  await watched.settle()
  const saved = await watched.store.get(4)
  expect(saved?.files.map(({ name }) => name)).toContain('checkpoint-4/model.safetensors')
  expect(saved?.metadata).toMatchObject({ watch: { name: 'checkpoint-4', layout: 'hugging-face' } })
})

describe('takes no cut file for a checkpoint', () => {
  const files = [
    ['torch', 'checkpoint_0003.pth'],
    ['lightning', 'epoch=1-step=4-val_loss=891.07.ckpt'],
    ['safetensors', 'model-step-40.safetensors'],
    ['keras', 'model.01-136.27.keras'],
    ['keras', '01.weights.h5'],
  ] as const

  test.each(files)('%s/%s', async (folder, name) => {
    const whole = await readFile(await existing(join(fixtures, folder), name))
    const lengths = [0, 1, 7, 8, 100, Math.floor(whole.byteLength / 2), whole.byteLength - 1]
    for (const length of lengths) {
      const watched = await Watched.begin({ layout: folder })
      await watched.write(name, whole.subarray(0, length))
      expect(await watched.settle(), `${length} bytes`).toEqual([])
      await watched.write(name, whole)
      expect(await watched.settle()).toEqual([name])
    }
  })

  test('a pickle of before PyTorch 1.6, wherever it ends', async () => {
    const whole = await readFile(join(fixtures, 'torch/legacy_0002.pt'))
    for (let length = 0; length < whole.byteLength; length += 1)
      expect(await wholenessOf(whole.subarray(0, length)), `${length} bytes`).toMatchObject({
        missing: expect.any(String) as string,
      })
    expect(await wholenessOf(whole)).toBe('whole')
  })

  test('a zip archive whose middle is not written yet', async () => {
    const watched = await Watched.begin()
    const whole = torchFile('state', 1000)
    await watched.write('step_1.pth', Buffer.from(whole).fill(0, 0, 900))
    expect(await watched.settle()).toEqual([])
  })

  test('a header that lies about its length', async () => {
    const watched = await Watched.begin()
    const lying = safetensorsFile(10)
    lying.writeBigUInt64LE(2n ** 63n)
    await watched.write('step_1.safetensors', lying)
    expect(await watched.settle()).toEqual([])
  })
})

describe('waits for', () => {
  const folders = [
    ['hugging-face', 'checkpoint-4', 'trainer_state.json', 'trainer_state.json'],
    ['hugging-face', 'checkpoint-4', 'optimizer.pt', undefined],
    ['dcp', 'step-30', '.metadata', '.metadata'],
    ['dcp', 'step-30', '__0_0.distcp', '__0_0.distcp'],
    ['orbax', '5', 'commit_success.txt', undefined],
  ] as const

  test.each(folders.filter(([, , , missing]) => missing !== undefined))(
    'the last file of %s/%s: %s',
    async (layout, name, file, missing) => {
      const watched = await Watched.begin({ layout })
      await cp(join(fixtures, layout, name), watched.path(name), { recursive: true })
      const content = await readFile(join(watched.folder, name, file))
      if (file === '__0_0.distcp') await watched.write(`${name}/__1_0.distcp`, 'of another rank')
      await rm(watched.path(`${name}/${file}`))
      expect(await watched.settle()).toEqual([])
      expect(watched.told('incomplete')).toMatchObject([{ name, missing }])
      await watched.write(`${name}/${file}`, content)
      expect(await watched.settle()).toEqual([name])
    },
  )

  test('the commit of an Orbax checkpoint without a final rename', async () => {
    const watched = await Watched.begin({ layout: 'orbax' })
    await cp(join(fixtures, 'orbax/5'), watched.path('5'), { recursive: true })
    await rm(watched.path('5/commit_success.txt'))
    const metadata = await readFile(watched.path('5/_CHECKPOINT_METADATA'), 'utf8')
    const began = metadata.replace(/"commit_timestamp_nsecs": \d+/, '"commit_timestamp_nsecs": null')
    await watched.write('5/_CHECKPOINT_METADATA', began)
    expect(await watched.settle()).toEqual([])
    await watched.write('5/_CHECKPOINT_METADATA', metadata)
    expect(await watched.settle()).toEqual(['5'])
  })

  test('the final rename of Orbax', async () => {
    const watched = await Watched.begin({ layout: 'orbax' })
    await cp(join(fixtures, 'orbax/5'), watched.path('5.orbax-checkpoint-tmp-17'), { recursive: true })
    expect(await watched.settle()).toEqual([])
  })

  test('the link last of LeRobot', async () => {
    const watched = await Watched.begin()
    const model = 'checkpoints/000500/pretrained_model/model.safetensors'
    await watched.write(model, safetensorsFile(10))
    await watched.write('checkpoints/000500/training_state/training_step.json', '{"step": 500}')
    expect(await watched.settle()).toEqual([])
    await symlink('000500', watched.path('checkpoints/last'))
    expect(await watched.settle()).toEqual(['checkpoints/000500'])
    await mkdir(watched.path('checkpoints/001000/pretrained_model'), { recursive: true })
    await watched.write('checkpoints/001000/pretrained_model/model.safetensors', safetensorsFile(20))
    const { mtime } = await lstat(watched.path('checkpoints/last'))
    const later = new Date(mtime.getTime() + 1000)
    await utimes(watched.path('checkpoints/001000/pretrained_model/model.safetensors'), later, later)
    expect(await watched.settle()).toEqual([])
    expect((await watched.store.list()).map(({ step }) => step)).toEqual([500])
  })

  test('a shard that the index names', async () => {
    const watched = await Watched.begin()
    await cp(join(fixtures, 'hugging-face/checkpoint-4'), watched.path('checkpoint-4'), { recursive: true })
    const index = {
      weight_map: { a: 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' },
    }
    await watched.write('checkpoint-4/model.safetensors.index.json', JSON.stringify(index))
    await watched.write('checkpoint-4/model-00001-of-00002.safetensors', safetensorsFile(10))
    expect(await watched.settle()).toEqual([])
    await watched.write('checkpoint-4/model-00002-of-00002.safetensors', safetensorsFile(10))
    expect(await watched.settle()).toEqual(['checkpoint-4'])
  })
})

describe('reads the state of the Hugging Face Trainer', () => {
  test('with NaN, which JSON lacks', async () => {
    const watched = await Watched.begin()
    await cp(join(fixtures, 'hugging-face/checkpoint-4'), watched.path('checkpoint-4'), { recursive: true })
    const state =
      '{"global_step": 4, "epoch": 1.0, "log_history": [{"step": 4, "eval_loss": NaN, "eval_runtime": 1}]}'
    await watched.write('checkpoint-4/trainer_state.json', state)
    await watched.settle()
    expect((await watched.store.list())[0]).toMatchObject({
      step: 4,
      epoch: 1,
      metrics: { eval_loss: Number.NaN },
    })
    expect((await watched.store.list())[0]?.metrics).not.toHaveProperty('eval_runtime')
  })

  test('and does not believe one of another step', async () => {
    const watched = await Watched.begin()
    await cp(join(fixtures, 'hugging-face/checkpoint-4'), watched.path('checkpoint-9'), { recursive: true })
    expect(await watched.settle()).toEqual([])
  })
})

describe('a layout of the user', () => {
  const cases: readonly [WatchOptions['layout'], string, object][] = [
    [{ pattern: 'out/step_{step}/' }, 'out/step_7/state.bin', { step: 7 }],
    [{ pattern: 'e{epoch}_{loss}.dat' }, 'e3_0.25.dat', { step: 3, epoch: 3, metrics: { loss: 0.25 } }],
    [{ pattern: 'run*/ckpt-{step}.npz' }, 'run-a/ckpt-12.npz', { step: 12 }],
    [{ pattern: '{lr}/m_{step}.bin' }, '1e-05/m_2.bin', { step: 2, metrics: { lr: 1e-5 } }],
    ['numbered', '000400/fields', { step: 400 }],
  ]
  test.each(cases)('%j adopts %s', async (layout, name, expected) => {
    const watched = await Watched.begin({ layout })
    await watched.write(name, name.endsWith('.npz') ? torchFile('arrays') : 'state')
    await watched.write('log.txt', 'no checkpoint')
    await watched.settle()
    expect(await watched.store.list()).toMatchObject([expected])
  })

  test.each([
    ['a file whose format shows its end', '{step}.pt', '1.pt', torchFile('weights'), ['1.pt']],
    ['no file of an unknown format', '{step}.pt', '1.pt', 'twelve bytes', []],
    ['no folder without its last file', 'step_{step}/', 'step_1/model.pt', torchFile('weights'), []],
  ] as const)('adopts %s from a program that failed', async (_, pattern, name, bytes, adopted) => {
    const watched = await Watched.begin({ layout: { pattern } })
    await watched.write(name, bytes)
    expect(await watched.scan('failed')).toEqual(adopted)
  })

  test('adopts from a program that failed what it had not modified for ten minutes', async () => {
    const watched = await Watched.begin({ layout: { pattern: '{step}.bin' } })
    for (const [name, minute] of [
      ['1.bin', 0],
      ['2.bin', 9],
    ] as const) {
      await watched.write(name, 'weights')
      await utimes(watched.path(name), 60 * minute, 60 * minute)
    }
    expect(await watched.scan('failed', 12 * 60_000)).toEqual(['1.bin'])
  })

  test.each(['/out/{step}', '../{step}', '', 'a//b', '{step}/{step}'])(
    'refuses the pattern %j',
    async (pattern) => {
      await expect(Watched.begin({ layout: { pattern } })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    },
  )

  test('refuses an unknown name', async () => {
    const layout = 'tensorflow' as 'torch'
    await expect(Watched.begin({ layout })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })
})

async function wholenessOf(bytes: Uint8Array): Promise<Wholeness> {
  const contents: Contents = {
    name: 'a.pt',
    isFolder: false,
    captured: { metrics: {} },
    files: [{ name: 'a.pt', size: bytes.byteLength }],
    modifiedAt: 0,
    read: async (_, start, length) => bytes.subarray(start, start + length),
    linkBeside: async () => undefined,
  }
  return wholeness(contents, { name: 'a.pt', size: bytes.byteLength })
}

async function existing(folder: string, name: string): Promise<string> {
  await lstat(join(folder, name))
  return join(folder, name)
}
