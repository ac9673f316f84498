import { cp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { MetricsTable } from '../src/adoption/metrics-table.ts'
import type { WholeCheckpoint } from '../src/adoption/inspect.ts'
import { parseMetricsCsv } from '../src/formats/csv.ts'
import { importFolder } from '../src/index.ts'
import { torchFile } from './archives.ts'
import { fixtures, Watched } from './harness.ts'
import { Runs } from './run-harness.ts'

async function metricsOf(watched: Watched): Promise<Readonly<Record<number, object>>> {
  return Object.fromEntries((await watched.store.list()).map(({ step, metrics }) => [step, metrics]))
}

describe('a watch with a file of metrics', () => {
  const unfinished = [
    ['is missing', undefined, 'metrics.csv does not exist.'],
    ['is empty', '', 'metrics.csv has no lines yet.'],
    ['has half a header', 'step,lo', 'metrics.csv has no lines yet.'],
    ['has no column for the step', 'loss\n0.5\n', 'has no column "step" or "name"'],
  ] as const

  test.each(unfinished)('saves checkpoints while it %s, and reports that once', async (_, text, reason) => {
    const beside = await Watched.begin()
    if (text !== undefined) await beside.write('metrics.csv', text)
    const file = beside.path('metrics.csv')
    const watched = await Watched.begin({ metricsFile: file })
    for (const step of [1, 2]) {
      await watched.write(`step_${step}.pth`, torchFile(`state ${step}`))
      expect(await watched.settle()).toEqual([`step_${step}.pth`])
    }
    expect(watched.told('noMetrics')).toMatchObject([{ file }])
    expect(watched.told('noMetrics')[0]?.reason).toContain(reason)
    await beside.write('metrics.csv', 'step,loss\n3,0.5\n')
    await watched.write('step_3.pth', torchFile('state 3'))
    await watched.settle()
    expect(await metricsOf(watched)).toEqual({ 1: {}, 2: {}, 3: { loss: 0.5 } })
  })

  test('ignores a last line that may be half a line', async () => {
    const beside = await Watched.begin()
    await beside.write('metrics.csv', 'step,loss\n1,0.1234\n2,0.12')
    const watched = await Watched.begin({ metricsFile: beside.path('metrics.csv') })
    for (const step of [1, 2]) await watched.write(`step_${step}.pth`, torchFile(`state ${step}`))
    await watched.settle()
    expect(await metricsOf(watched)).toEqual({ 1: { loss: 0.1234 }, 2: {} })
  })
})

test('a run whose file of metrics is missing saves the last checkpoint and keeps the exit code', async () => {
  const runs = await Runs.begin()
  const metricsFile = runs.path('no-such.csv')
  const report = await runs.run('save 1; exit 7', { restarts: 0, metricsFile })
  expect(report).toMatchObject({ exitCode: 7, unsaved: [] })
  expect(await runs.steps()).toEqual([1])
})

describe('an import with a file of metrics', () => {
  test('uses a last line without a line break', async () => {
    const watched = await Watched.begin()
    await watched.write('metrics.csv', 'step,loss\n1,0.25')
    await watched.write('step_1.pth', torchFile('a'))
    const metricsFile = watched.path('metrics.csv')
    await importFolder(watched.store, watched.folder, { metricsFile, clock: watched.clock })
    expect(await metricsOf(watched)).toEqual({ 1: { loss: 0.25 } })
  })

  test.each([
    ['is missing', undefined, 'INVALID_ARGUMENT'],
    ['is empty', '', 'INVALID_ARGUMENT'],
    ['has no column for the step', 'loss\n0.5\n', 'INVALID_ARGUMENT'],
  ])('rejects and saves nothing if it %s', async (_, text, code) => {
    const watched = await Watched.begin()
    if (text !== undefined) await watched.write('metrics.csv', text)
    await watched.write('step_1.pth', torchFile('a'))
    const metricsFile = watched.path('metrics.csv')
    const importing = importFolder(watched.store, watched.folder, { metricsFile, clock: watched.clock })
    await expect(importing).rejects.toMatchObject({ code })
    expect(await watched.steps()).toEqual([])
  })
})

describe('the metrics of a checkpoint', () => {
  function metricsAt(
    text: string,
    counts: { readonly step: number; readonly epoch?: number },
    layout = 'torch',
  ): object {
    const whole: WholeCheckpoint = {
      candidate: { name: 'a.pth', path: '/out/a.pth', isFolder: false, captured: { metrics: {} } },
      snapshot: { files: [], omitted: [], fingerprint: '', bytes: 0, modifiedAt: 0 },
      reading: { state: 'complete', epoch: undefined, ...counts, metrics: { own: 1 }, isSignalled: true },
    }
    return new MetricsTable(parseMetricsCsv(text, 'metrics.csv')).of(whole, counts.step, layout)
  }

  test('are merged from all lines of its step and of its name', () => {
    const text = 'epoch,step,name,a,b\n0,10,,0.5,\n0,10,,,0.25\n1,20,,9,9\n,,a.pth,0.75,\n'
    expect(metricsAt(text, { step: 10 })).toEqual({ own: 1, a: 0.75, b: 0.25 })
  })

  test('are found at a step that pandas wrote as a fraction', () => {
    expect(metricsAt('step,a\n100.0,0.5\n', { step: 100 })).toEqual({ own: 1, a: 0.5 })
  })

  const logged = 'epoch,lr,step,val_loss\n,0.1,99,\n0,,99,0.5\n1,,199,0.25\n'

  test('come from the line of the step before for names of Lightning', () => {
    expect(metricsAt(logged, { step: 100, epoch: 0 }, 'lightning')).toEqual({
      own: 1,
      lr: 0.1,
      val_loss: 0.5,
    })
    expect(metricsAt(logged, { step: 199, epoch: 1 }, 'lightning')).toEqual({ own: 1 })
  })

  test('come from the lines of the epoch if a name of Lightning has no step', () => {
    expect(metricsAt(logged, { step: 1, epoch: 1 }, 'lightning')).toEqual({ own: 1, val_loss: 0.25 })
  })

  test('do not come from another epoch, as if two optimizers had counted the steps', () => {
    expect(metricsAt(logged, { step: 200, epoch: 0 }, 'lightning')).toEqual({ own: 1 })
  })

  test('come from the line of the step itself without a column epoch, also for names of Lightning', () => {
    expect(metricsAt('step,a\n100,0.5\n', { step: 100, epoch: 0 }, 'lightning')).toEqual({ own: 1, a: 0.5 })
  })
})

describe("what Lightning's CSVLogger writes", () => {
  const names = [
    ['step and epoch', ['epoch=0-step=2.ckpt', 'epoch=1-step=4.ckpt']],
    ['the epoch only', ['epoch=0.ckpt', 'epoch=1.ckpt']],
  ] as const

  test.each(names)('reaches its checkpoints if their names have %s', async (_, [first, second]) => {
    const folder = join(fixtures, 'lightning-csv')
    const watched = await Watched.begin({ metricsFile: join(folder, 'metrics.csv') })
    await cp(join(folder, 'out/epoch=0-step=2.ckpt'), watched.path(first))
    await cp(join(folder, 'out/epoch=1-step=4.ckpt'), watched.path(second))
    expect(await watched.settle()).toHaveLength(2)
    const expected: unknown = JSON.parse(await readFile(join(folder, 'expected.json'), 'utf8'))
    expect(Object.values(await metricsOf(watched))).toMatchObject(Object.values(Object(expected) as object))
  })
})
