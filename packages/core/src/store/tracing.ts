import { tracingChannel } from 'node:diagnostics_channel'

/** The operations whose start and end are published. */
const operations = ['save', 'restore', 'verify', 'prune', 'copy'] as const

/** An operation whose start and end are published to `node:diagnostics_channel`. */
export type TracedOperation = (typeof operations)[number]

/** What a subscriber receives about an operation. Node.js adds `result` or `error` when it has ended. */
export interface TraceContext {
  /** The URL of the store, without secrets. */
  readonly store: string
  /** The step that is saved. */
  readonly step?: number | undefined
  /** The URL of the store from which checkpoints are copied. */
  readonly from?: string | undefined
}

const channels = new Map(
  operations.map((operation) => [operation, tracingChannel<unknown, TraceContext>(`holdfast:${operation}`)]),
)

/**
 * Runs an operation, and publishes its start, end and error to the tracing channel `holdfast:OPERATION` of
 * `node:diagnostics_channel`. Without a subscriber it only runs the operation.
 */
export async function traced<Result>(
  operation: TracedOperation,
  context: TraceContext,
  work: () => Promise<Result>,
): Promise<Result> {
  const channel = channels.get(operation)
  if (channel?.hasSubscribers !== true) return work()
  return channel.tracePromise(work, { ...context })
}
