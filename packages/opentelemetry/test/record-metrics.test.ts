import { CheckpointStore, copyCheckpoints, MemoryBackend } from '@holdfast/core'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { channel } from 'node:diagnostics_channel'
import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { recordMetrics } from '../src/index.ts'
import { isCounted } from '../src/record-metrics.ts'

const files = { a: Buffer.from('abc') }

interface Recorded {
  readonly attributes: Readonly<Record<string, unknown>>
  /** The number of values of a histogram, or the value of a counter. */
  readonly count: number
  /** The sum of the values of a histogram. */
  readonly sum: number
}

function setUp() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  const meterProvider = new MeterProvider({ readers: [reader] })
  onTestFinished(() => meterProvider.shutdown())
  const recorded = async (metric: string): Promise<readonly Recorded[]> => {
    exporter.reset()
    await reader.forceFlush()
    const found = exporter
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
      .filter(({ descriptor }) => descriptor.name === metric)
    return found.flatMap(({ dataPoints }) =>
      dataPoints.map(({ attributes, value }) =>
        typeof value === 'number'
          ? { attributes, count: value, sum: value }
          : { attributes, count: value.count, sum: 'sum' in value ? (value.sum ?? 0) : 0 },
      ),
    )
  }
  return { meterProvider, recorded }
}

function open(place: string): CheckpointStore {
  const store = new CheckpointStore(new MemoryBackend(place), { mode: 'shared', retention: { keepLast: 1 } })
  onTestFinished(() => store.close())
  return store
}

test('records the duration of each operation, with the code of an error', async () => {
  const { meterProvider, recorded } = setUp()
  using _ = recordMetrics({ meterProvider })
  const store = open('mem:one')
  await store.save({ step: 1, files })
  await store.save({ step: 2, files })
  await store.save({ step: 2, files: { a: Buffer.from('other') } }).catch(() => undefined)
  await store.restore('latest', { to: join(await mkdtemp(join(tmpdir(), 'holdfast-otel-')), 'to') })
  await store.verify()
  await store.prune()
  await store.prune({ dryRun: true })
  await copyCheckpoints(store, open('mem:two'))
  const durations = await recorded('holdfast.operation.duration')
  expect(durations.map(({ attributes, count }) => ({ ...attributes, count }))).toEqual([
    { 'holdfast.operation': 'save', 'holdfast.store': store.url, count: 2 },
    { 'holdfast.operation': 'save', 'holdfast.store': store.url, 'error.type': 'ALREADY_EXISTS', count: 1 },
    { 'holdfast.operation': 'restore', 'holdfast.store': store.url, count: 1 },
    { 'holdfast.operation': 'verify', 'holdfast.store': store.url, count: 1 },
    { 'holdfast.operation': 'prune', 'holdfast.store': store.url, count: 1 },
    { 'holdfast.operation': 'copy', 'holdfast.store': expect.stringContaining('two') as string, count: 1 },
  ])
  expect(durations.every(({ sum }) => sum > 0 && sum < 100)).toBe(true)
})

test('records the sizes of saved checkpoints, and counts events', async () => {
  const { meterProvider, recorded } = setUp()
  using _ = recordMetrics({ meterProvider })
  const store = open('mem:sizes')
  await store.save({ step: 1, files })
  await store.save({ step: 2, files })
  expect(await recorded('holdfast.checkpoint.size')).toMatchObject([{ count: 2, sum: 6 }])
  expect(await recorded('holdfast.events')).toMatchObject([
    { attributes: { 'holdfast.event': 'dropped', 'holdfast.store': store.url }, count: 1 },
  ])
})

test('counts metrics that are not finite, and objectives without a value', async () => {
  const { meterProvider, recorded } = setUp()
  using _ = recordMetrics({ meterProvider })
  const store = new CheckpointStore(new MemoryBackend('mem:misspelt'), {
    mode: 'shared',
    objectives: {
      loss: { metric: 'loss', direction: 'min' },
      misspelt: { metric: 'lss', direction: 'min' },
    },
    retention: { keepBest: { misspelt: 1 } },
  })
  onTestFinished(() => store.close())
  await store.save({ step: 1, files, metrics: { loss: Number.NaN } })
  const names = (await recorded('holdfast.events')).map(({ attributes }) => attributes['holdfast.event'])
  expect(names.sort()).toEqual(['notFinite', 'unscored'])
})

test('the README lists each event that is counted', async () => {
  const { meterProvider, recorded } = setUp()
  using _ = recordMetrics({ meterProvider })
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const [, list = ''] = /`holdfast\.event` is one of (.*)\n/.exec(readme) ?? []
  const listed = [...list.matchAll(/`(\w+)`/g)].map(([, name]) => name ?? '')
  for (const name of listed) channel(`holdfast:${name}`).publish({ store: 'mem:' })
  const counted = await recorded('holdfast.events')
  expect(counted.map(({ attributes }) => attributes['holdfast.event'])).toEqual(listed)
  expect(new Set(listed)).toEqual(
    new Set(Object.keys(isCounted).filter((name) => Reflect.get(isCounted, name))),
  )
})

test('records nothing after it is disposed', async () => {
  const { meterProvider, recorded } = setUp()
  recordMetrics({ meterProvider })[Symbol.dispose]()
  await open('mem:later').save({ step: 1, files })
  expect(await recorded('holdfast.operation.duration')).toEqual([])
})
