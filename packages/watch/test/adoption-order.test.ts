import { chmod, readdir, rm, utimes } from 'node:fs/promises'
import { type ErrorCode, HoldfastError } from '@holdfast/core'
import { describe, expect, test } from 'vitest'
import { Outcomes } from '../src/adoption/outcomes.ts'
import { torchFile } from './archives.ts'
import { Watched } from './harness.ts'

const unreachable = new HoldfastError('UNAVAILABLE', 'The store cannot be reached.')

function causedBy(code: ErrorCode, systemCode: string): HoldfastError {
  return new HoldfastError(code, 'The file cannot be read.', {
    cause: Object.assign(new Error(systemCode), { code: systemCode }),
  })
}

/** Lets the store fail to store a file, this many times. */
function failToStore(watched: Watched, file: string, times: number, error = unreachable): void {
  const put = watched.backend.put.bind(watched.backend)
  let failures = 0
  watched.backend.put = async (key, source, options) => {
    if (!key.endsWith(file) || failures === times) return put(key, source, options)
    failures += 1
    throw error
  }
}

async function writeAt(
  watched: Watched,
  name: string,
  bytes: Buffer | string,
  second: number,
): Promise<void> {
  await watched.write(name, bytes)
  await utimes(watched.path(name), second, second)
}

async function latestStep(watched: Watched): Promise<number | undefined> {
  return (await watched.store.latest())?.step
}

describe('a checkpoint is saved after those that were written before it', () => {
  test('although their saves fail while the store cannot be reached', async () => {
    const watched = await Watched.begin()
    failToStore(watched, 'step_1.pth', 2)
    await writeAt(watched, 'step_1.pth', torchFile('a'), 1000)
    expect(await watched.settle()).toEqual([])
    await writeAt(watched, 'step_2.pth', torchFile('b'), 2000)
    expect(await watched.settle()).toEqual([])
    watched.clock.pass(10_000)
    expect(await watched.scan()).toEqual(['step_1.pth', 'step_2.pth'])
    expect(await latestStep(watched)).toBe(2)
  })

  test('although one is touched during its save', async () => {
    const watched = await Watched.begin()
    const put = watched.backend.put.bind(watched.backend)
    watched.backend.put = async (key, source, options) => {
      const stored = await put(key, source, options)
      if (key.endsWith('step_1.pth') && watched.told('changed').length === 0)
        await chmod(watched.path('step_1.pth'), 0o600)
      return stored
    }
    await writeAt(watched, 'step_1.pth', torchFile('a'), 1000)
    await writeAt(watched, 'step_2.pth', torchFile('b'), 2000)
    expect(await watched.settle()).toEqual([])
    expect(watched.told('changed')).toHaveLength(1)
    expect(await watched.settle()).toEqual(['step_1.pth', 'step_2.pth'])
  })

  test('although one of them must stay quiet for longer', async () => {
    const watched = await Watched.begin({ layout: { pattern: 'step_{step}.bin' } })
    await writeAt(watched, 'step_1.bin', 'a', 1000)
    await writeAt(watched, 'step_2.bin', 'b', 2000)
    await watched.scan()
    watched.clock.pass(20_000)
    await chmod(watched.path('step_1.bin'), 0o600)
    await watched.scan()
    watched.clock.pass(10_000)
    expect(await watched.scan()).toEqual([])
    watched.clock.pass(20_000)
    expect(await watched.scan()).toEqual(['step_1.bin', 'step_2.bin'])
  })

  test('at once when an earlier one that failed is deleted', async () => {
    const watched = await Watched.begin()
    failToStore(watched, 'step_1.pth', Infinity)
    await writeAt(watched, 'step_1.pth', torchFile('a'), 1000)
    await writeAt(watched, 'step_2.pth', torchFile('b'), 2000)
    expect(await watched.settle()).toEqual([])
    await watched.remove('step_1.pth')
    expect(await watched.scan()).toEqual(['step_2.pth'])
  })
})

describe('a checkpoint whose own files cannot be read', () => {
  test('holds up no other, and is left out once a later one is saved', async () => {
    const watched = await Watched.begin()
    failToStore(watched, 'step_1.pth', 1, causedBy('UNAVAILABLE', 'EIO'))
    await writeAt(watched, 'step_1.pth', torchFile('a'), 1000)
    await writeAt(watched, 'step_2.pth', torchFile('b'), 2000)
    expect(await watched.settle()).toEqual(['step_2.pth'])
    watched.clock.pass(5_000)
    expect(await watched.scan()).toEqual([])
    expect(watched.told('passedOver')).toMatchObject([{ name: 'step_1.pth' }])
    expect(await latestStep(watched)).toBe(2)
  })

  test('is tried before a later one is saved, whatever its pause', async () => {
    const watched = await Watched.begin()
    failToStore(watched, 'step_1.pth', 2, causedBy('PERMISSION_DENIED', 'EACCES'))
    await writeAt(watched, 'step_1.pth', torchFile('a'), 1000)
    expect(await watched.settle()).toEqual([])
    watched.clock.pass(5_000)
    expect(await watched.scan()).toEqual([])
    await writeAt(watched, 'step_2.pth', torchFile('b'), 2000)
    expect(await watched.settle()).toEqual(['step_1.pth', 'step_2.pth'])
  })

  test('holds up no other if its own file is busy', async () => {
    const watched = await Watched.begin()
    const busy = new HoldfastError('UNAVAILABLE', 'The file is busy.', {
      cause: Object.assign(new Error('EBUSY'), { code: 'EBUSY', path: watched.path('step_1.pth') }),
    })
    failToStore(watched, 'step_1.pth', Infinity, busy)
    await writeAt(watched, 'step_1.pth', torchFile('a'), 1000)
    await writeAt(watched, 'step_2.pth', torchFile('b'), 2000)
    expect(await watched.settle()).toEqual(['step_2.pth'])
  })

  test('is left out also if it can be read once a later one is saved', async () => {
    const watched = await Watched.begin({ layout: 'numbered' })
    const deep = Array<string>(40).fill('a').join('/')
    await writeAt(watched, 'step_1/a.bin', 'a', 1000)
    await writeAt(watched, `step_1/${deep}/file`, 'too deep', 1000)
    await writeAt(watched, 'step_2/a.bin', 'b', 2000)
    await watched.scan()
    watched.clock.pass(60_000)
    expect(await watched.scan()).toEqual(['step_2'])
    await rm(watched.path('step_1/a'), { recursive: true })
    await watched.scan()
    watched.clock.pass(60_000)
    expect(await watched.scan()).toEqual([])
    expect(watched.told('passedOver')).toMatchObject([{ name: 'step_1' }])
  })

  test('is known if the store has it after all', async () => {
    const watched = await Watched.begin()
    failToStore(watched, 'step_1.pth', 1, causedBy('UNAVAILABLE', 'EIO'))
    await writeAt(watched, 'step_1.pth', torchFile('a'), 1000)
    await writeAt(watched, 'step_2.pth', torchFile('b'), 2000)
    expect(await watched.settle()).toEqual(['step_2.pth'])
    await watched.store.save({ step: 1, files: { 'step_1.pth': torchFile('a') } })
    watched.clock.pass(5_000)
    expect(await watched.scan()).toEqual([])
    expect(watched.told('known').map(({ name }) => name)).toEqual(['step_1.pth'])
    expect(watched.told('passedOver')).toEqual([])
  })
})

describe('a later checkpoint', () => {
  const full = new HoldfastError('INSUFFICIENT_SPACE', 'The store is full.')
  const refused = new HoldfastError('PERMISSION_DENIED', 'The credentials have expired.')

  test.each([
    ['waits while the store cannot be reached', unreachable, true],
    ['waits while the store refuses access', refused, true],
    ['does not wait for a file that the device cannot read', causedBy('UNAVAILABLE', 'EIO'), false],
    ['does not wait for a file that this user may not read', causedBy('PERMISSION_DENIED', 'EACCES'), false],
    ['does not wait for space, because it may be smaller', full, false],
  ])('%s', (_, error, waits) => {
    const outcomes = new Outcomes()
    outcomes.fail('first', 'f1', error, 0)
    expect(outcomes.holdBy('first', 'f1') !== undefined).toBe(waits)
  })
})

describe('a checkpoint that waits for an earlier one', () => {
  test('fails for the same reason, until that one is tried again', () => {
    const outcomes = new Outcomes()
    outcomes.fail('first', 'f1', unreachable, 0)
    const hold = outcomes.holdBy('first', 'f1')
    if (hold !== undefined) outcomes.postpone('second', 's1', hold)
    for (const name of ['first', 'second'])
      expect(outcomes.failureOf(name, 1_000)).toEqual({ name, error: unreachable, retryIn: 4_000 })
    outcomes.fail('first', 'f1', unreachable, 5_000)
    const next = outcomes.holdBy('first', 'f1')
    if (next !== undefined) outcomes.postpone('second', 's1', next)
    for (const name of ['first', 'second']) expect(outcomes.failureOf(name, 5_000)?.retryIn).toBe(10_000)
    expect(outcomes.dueIn('second', 's1', 5_000)).toBe(0)
  })
})

describe('a checkpoint with known bytes that the store no longer has', () => {
  async function adopt(watched: Watched, step: number, text = `state ${step}`): Promise<readonly string[]> {
    await watched.write(`step_${step}.pth`, torchFile(text))
    return watched.settle()
  }

  test('is saved if the program computes it again after a rewind', async () => {
    const watched = await Watched.begin()
    for (const step of [1, 2, 3]) await adopt(watched, step)
    await watched.store.rewind(1)
    expect(await adopt(watched, 2)).toEqual(['step_2.pth'])
    expect(await latestStep(watched)).toBe(2)
    watched.restart()
    expect(await adopt(watched, 3)).toEqual(['step_3.pth'])
    expect(await watched.steps()).toEqual([1, 2, 3])
  })

  test('is not saved after a rewind if its old files are only touched', async () => {
    const watched = await Watched.begin({}, { retention: { keepLast: 3 } })
    for (const step of [1, 2, 3]) await adopt(watched, step)
    await watched.store.rewind(1)
    await chmod(watched.path('step_3.pth'), 0o600)
    expect(await watched.settle()).toEqual([])
    expect(watched.told('known')).toEqual([{ type: 'known', name: 'step_3.pth', step: 3, isListed: false }])
    expect(await latestStep(watched)).toBe(1)
  })

  test('is named as dropped if the retention dropped it', async () => {
    const watched = await Watched.begin({}, { retention: { keepLast: 1 } })
    for (const step of [1, 2]) await adopt(watched, step)
    await watched.remove('step_1.pth')
    expect(await adopt(watched, 1)).toEqual([])
    expect(watched.told('known')).toEqual([{ type: 'known', name: 'step_1.pth', step: 1, isListed: false }])
  })
})

describe('files that are added to a checkpoint', () => {
  const layout = { pattern: 'step_{step}/', completeWhen: 'DONE' }

  async function withTwoSteps(keepLast: number): Promise<Watched> {
    const watched = await Watched.begin({ layout }, { retention: { keepLast } })
    for (const step of [1, 2]) {
      await watched.write(`step_${step}/model.bin`, `weights ${step}`)
      await watched.write(`step_${step}/DONE`, '')
      expect(await watched.settle()).toEqual([`step_${step}`])
    }
    return watched
  }

  test.each([
    ['is listed', 2],
    ['is dropped', 1],
  ])('after a later one was saved do not make it the latest, if it %s', async (_, keepLast) => {
    const watched = await withTwoSteps(keepLast)
    const before = await watched.steps()
    await watched.write('step_1/eval_results.json', '{}')
    for (const file of ['model.bin', 'DONE']) await chmod(watched.path(`step_1/${file}`), 0o600)
    expect(await watched.settle()).toEqual([])
    expect(watched.told('passedOver').map(({ name }) => name)).toEqual(['step_1'])
    watched.restart()
    expect(await watched.settle()).toEqual([])
    expect(await watched.steps()).toEqual(before)
    expect(await latestStep(watched)).toBe(2)
  })

  test('are saved if it is written anew at the same time', async () => {
    const watched = await withTwoSteps(2)
    await watched.write('step_1/model.bin', 'after going back')
    await watched.write('step_1/optimizer.bin', 'new')
    await watched.write('step_1/DONE', 'again')
    expect(await watched.settle()).toEqual(['step_1'])
    expect(await latestStep(watched)).toBe(1)
  })
})

describe('a file without a number', () => {
  test('stays and is not saved after those with numbers were consumed', async () => {
    const watched = await Watched.begin({ consume: true })
    await watched.write('epoch_5.pth', torchFile('five'))
    await watched.write('last.pth', torchFile('five'))
    expect(await watched.settle()).toEqual(['epoch_5.pth'])
    expect(await watched.settle()).toEqual([])
    watched.restart()
    expect(await watched.settle()).toEqual([])
    expect(await watched.steps()).toEqual([5])
    expect((await readdir(watched.folder)).filter((name) => name.endsWith('.pth'))).toEqual(['last.pth'])
  })
})
