import { channel, tracingChannel } from 'node:diagnostics_channel'
import type { StoreEvents, TraceContext, TracedOperation } from '@holdfast/core'
import { type Attributes, type MeterProvider, metrics } from '@opentelemetry/api'

/** The options of `recordMetrics()`. */
export interface RecordMetricsOptions {
  /** Default: the global provider. */
  readonly meterProvider?: MeterProvider | undefined
}

const operations: readonly TracedOperation[] = ['save', 'restore', 'verify', 'prune', 'copy']

/**
 * Whether each event of stores is counted. Saves and copies are omitted because the histograms count them. `best`,
 * `restoringFrom` and `waitingForRanks` need no counter.
 */
export const isCounted: { readonly [Name in keyof StoreEvents]: boolean } = {
  saved: false,
  copied: false,
  best: false,
  restoringFrom: false,
  waitingForRanks: false,
  dropped: true,
  droppedUnmirrored: true,
  quarantined: true,
  rebuilt: true,
  mirrored: true,
  mirrorFailed: true,
  retry: true,
  backgroundError: true,
  spaceLow: true,
  swept: true,
  tookOver: true,
  cleanupFailed: true,
  clockDoubted: true,
  unscored: true,
  notFinite: true,
}
const countedEvents = Object.entries(isCounted).flatMap(([name, counted]) => (counted ? [name] : []))

/** Boundaries in seconds, from a small save on a disk to a restore of terabytes. */
const boundaries = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000]

/** What Node.js adds to a context when an operation has ended. */
interface Ended extends TraceContext {
  readonly result?: unknown
  readonly error?: unknown
}

/**
 * Records metrics of all stores of this process until the result is disposed:
 *
 * - `holdfast.operation.duration`: a histogram in seconds, by `holdfast.operation` (save, restore, verify, prune or copy),
 *   `holdfast.store` (a URL without secrets) and, after a failure, `error.type` (the code of the error)
 * - `holdfast.checkpoint.size`: a histogram in bytes of saved checkpoints, by `holdfast.store`
 * - `holdfast.events`: a counter by `holdfast.event`, such as `quarantined` or `retry`, and `holdfast.store`
 *
 * It subscribes to the channels of `node:diagnostics_channel` that `@holdfast/core` publishes to. Call it after the meter
 * provider is set.
 *
 * @example
 * recordMetrics() // until the process ends
 */
export function recordMetrics({ meterProvider }: RecordMetricsOptions = {}): Disposable {
  const meter = (meterProvider ?? metrics.getMeterProvider()).getMeter('@holdfast/opentelemetry')
  const duration = meter.createHistogram('holdfast.operation.duration', {
    description: 'Duration of saves, restores, verifications, prunes and copies.',
    unit: 's',
    advice: { explicitBucketBoundaries: [...boundaries] },
  })
  const size = meter.createHistogram('holdfast.checkpoint.size', {
    description: 'Size of saved checkpoints.',
    unit: 'By',
  })
  const events = meter.createCounter('holdfast.events', { description: 'Events of stores.' })
  const unsubscribe: (() => void)[] = []
  for (const operation of operations) {
    const began = new WeakMap<object, number>()
    const subscribers = {
      start: (context: TraceContext) => {
        began.set(context, performance.now())
      },
      asyncEnd: (context: Ended) => {
        const start = began.get(context)
        if (start === undefined) return // it began before this subscription
        const store = { 'holdfast.store': context.store }
        duration.record((performance.now() - start) / 1000, {
          ...store,
          'holdfast.operation': operation,
          ...errorOf(context),
        })
        const bytes = operation === 'save' ? bytesOf(context.result) : undefined
        if (bytes !== undefined) size.record(bytes, store)
      },
      end: ignore,
      asyncStart: ignore,
      error: ignore,
    }
    const traced = tracingChannel<unknown, TraceContext>(`holdfast:${operation}`)
    traced.subscribe(subscribers)
    unsubscribe.push(() => {
      traced.unsubscribe(subscribers)
    })
  }
  for (const name of countedEvents) {
    const published = channel(`holdfast:${name}`)
    const count = (event: unknown): void => {
      events.add(1, { 'holdfast.event': name, ...storeOf(event) })
    }
    published.subscribe(count)
    unsubscribe.push(() => {
      published.unsubscribe(count)
    })
  }
  return {
    [Symbol.dispose]: () => {
      for (const end of unsubscribe.splice(0)) end()
    },
  }
}

function ignore(): void {
  // The start and the end of an operation are enough.
}

function errorOf({ error }: Ended): Attributes {
  if (error === undefined) return {}
  const code = memberOf(error, 'code')
  return { 'error.type': typeof code === 'string' ? code : error instanceof Error ? error.name : '_OTHER' }
}

function bytesOf(result: unknown): number | undefined {
  const bytes = memberOf(result, 'bytes')
  return typeof bytes === 'number' ? bytes : undefined
}

function storeOf(event: unknown): Attributes {
  const store = memberOf(event, 'store')
  return typeof store === 'string' ? { 'holdfast.store': store } : {}
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (Reflect.get(value, name) as unknown) : undefined
}
