import type { CheckpointStore, OpenStoreOptions } from '@holdfast/core'
import type { RunnableConfig } from '@langchain/core/runnables'
import {
  BaseCheckpointSaver,
  type ChannelVersions,
  type Checkpoint,
  type CheckpointListOptions,
  type CheckpointMetadata,
  type CheckpointPendingWrite,
  type CheckpointTuple,
  copyCheckpoint,
  getCheckpointId,
  maxChannelVersion,
  type PendingWrite,
  type SerializerProtocol,
  TASKS,
} from '@langchain/langgraph-checkpoint'
import { addRecord, readRecord, type Record, type RecordAt, recordsOf } from './records.ts'
import { type Place, Threads } from './threads.ts'
import { decodeWrites, encodeWrites } from './writes.ts'

type CheckpointRecord = RecordAt<Extract<Record, { readonly kind: 'checkpoint' }>>

/**
 * Keeps the checkpoints of LangGraph in stores of Holdfast: one store for each namespace of each thread, below `location`. A
 * checkpoint, and the writes of a task, are one save each, so they are durable when `put` and `putWrites` resolve. A value of a
 * channel is stored with the checkpoint that changed it, and read from there by later ones.
 *
 * @example
 * await using checkpointer = new HoldfastSaver('s3://bucket/threads')
 * const graph = builder.compile({ checkpointer })
 */
export class HoldfastSaver extends BaseCheckpointSaver implements AsyncDisposable {
  readonly #threads: Threads

  constructor(location: string, options: OpenStoreOptions = {}, serde?: SerializerProtocol) {
    super(serde)
    this.#threads = new Threads(location, options)
  }

  async put(
    config: RunnableConfig,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
    newVersions: ChannelVersions,
  ): Promise<RunnableConfig> {
    const place = placeIn(config, 'put')
    const { channel_values: all, ...copied } = copyCheckpoint(checkpoint)
    const changed = Object.fromEntries(
      Object.entries(all).filter(([name]) => Object.hasOwn(newVersions, name)),
    )
    const [, content] = await this.serde.dumpsTyped({ ...copied, channel_values: {} })
    const [, values] = await this.serde.dumpsTyped(changed)
    const [, described] = await this.serde.dumpsTyped(metadata)
    const store = await this.#threads.open(place)
    const record = {
      kind: 'checkpoint',
      id: checkpoint.id,
      parent: idIn(config),
      metadata: Buffer.from(described).toString(),
      changed: newVersions,
    } as const
    await addRecord(store, record, { content, values })
    return configOf(place, checkpoint.id)
  }

  async putWrites(
    config: RunnableConfig,
    writes: PendingWrite[],
    taskId: string,
    taskPath = '',
  ): Promise<void> {
    const store = await this.#threads.open(placeIn(config, 'putWrites'))
    const id = idIn(config)
    if (id === undefined) throw new Error('putWrites requires a checkpoint_id in `configurable`.')
    const content = await encodeWrites(this.serde, writes)
    await addRecord(store, { kind: 'writes', id, taskId, taskPath }, { content })
  }

  async getTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
    const { thread, namespace } = requested(config)
    if (thread === undefined) return undefined
    const place = { thread, namespace: namespace ?? '' }
    const store = await this.#threads.open(place)
    const records = await recordsOf(store)
    const id = idIn(config)
    const found = newestFirst(records).find((each) => id === undefined || each.id === id)
    return found === undefined ? undefined : this.#tuple(place, store, records, found)
  }

  /** Chooses checkpoints by what the list of each store contains, and reads only the ones that it yields. */
  async *list(config: RunnableConfig, options: CheckpointListOptions = {}): AsyncGenerator<CheckpointTuple> {
    const { limit = Infinity, before, filter = {} } = options
    const only = requested(config)
    const onlyId = idIn(config)
    const beforeId = before === undefined ? undefined : idIn(before)
    const places = (await this.#threads.all()).filter(
      ({ thread, namespace }) =>
        (only.thread ?? thread) === thread && (only.namespace ?? namespace) === namespace,
    )
    let left = limit
    for (const place of places) {
      const store = await this.#threads.open(place)
      const records = await recordsOf(store)
      for (const record of newestFirst(records)) {
        if ((onlyId ?? record.id) !== record.id) continue
        if (beforeId !== undefined && record.id >= beforeId) continue
        if (!matches(await this.#metadata(record), filter)) continue
        if (left <= 0) return
        left -= 1
        yield await this.#tuple(place, store, records, record)
      }
    }
  }

  /** Deletes all checkpoints of a thread. A store keeps its last save, which then states that the thread is deleted. */
  async deleteThread(threadId: string): Promise<void> {
    for (const place of await this.#threads.all()) {
      if (place.thread !== threadId) continue
      const store = await this.#threads.open(place)
      const steps = (await store.list()).map(({ step }) => step)
      const deleted = await addRecord(store, { kind: 'deleted' }, { content: new Uint8Array() })
      await store.delete(steps.filter((step) => step < deleted))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#threads[Symbol.asyncDispose]()
  }

  async #tuple(
    place: Place,
    store: CheckpointStore,
    records: readonly RecordAt[],
    record: CheckpointRecord,
  ): Promise<CheckpointTuple> {
    const checkpoint = (await this.serde.loadsTyped('json', await readRecord(store, record))) as Checkpoint
    checkpoint.channel_values = await this.#valuesOf(store, records, checkpoint.channel_versions)
    const { id, parent } = record
    if (checkpoint.v < 4 && parent !== undefined)
      this.#migrate(checkpoint, await this.#writesOf(store, records, parent))
    return {
      config: configOf(place, id),
      checkpoint,
      metadata: await this.#metadata(record),
      pendingWrites: await this.#writesOf(store, records, id),
      ...(parent === undefined ? {} : { parentConfig: configOf(place, parent) }),
    }
  }

  async #metadata({ metadata }: CheckpointRecord): Promise<CheckpointMetadata> {
    return (await this.serde.loadsTyped('json', metadata)) as CheckpointMetadata
  }

  /** A value is stored once, with the checkpoint that changed its channel. */
  async #valuesOf(
    store: CheckpointStore,
    records: readonly RecordAt[],
    versions: ChannelVersions,
  ): Promise<Checkpoint['channel_values']> {
    const values: Checkpoint['channel_values'] = {}
    for (const record of records) {
      if (record.kind !== 'checkpoint') continue
      const names = Object.keys(record.changed).filter((name) => record.changed[name] === versions[name])
      if (names.length === 0) continue
      const stored = (await this.serde.loadsTyped(
        'json',
        await readRecord(store, record, 'values'),
      )) as object
      for (const [name, value] of Object.entries(stored)) if (names.includes(name)) values[name] = value
    }
    return values
  }

  async #writesOf(
    store: CheckpointStore,
    records: readonly RecordAt[],
    id: string,
  ): Promise<CheckpointPendingWrite[]> {
    const tasks = records.flatMap((each) => (each.kind === 'writes' && each.id === id ? [each] : []))
    const read = tasks.map(async (each) => ({ ...each, content: await readRecord(store, each) }))
    return decodeWrites(this.serde, await Promise.all(read))
  }

  /** Before version 4, the sends of a checkpoint were among the writes of its parent. */
  #migrate(checkpoint: Checkpoint, parentWrites: readonly CheckpointPendingWrite[]): void {
    const sends = parentWrites.filter(([, channel]) => channel === TASKS).map(([, , value]) => value)
    checkpoint.channel_values[TASKS] = sends
    const versions = Object.values(checkpoint.channel_versions)
    checkpoint.channel_versions[TASKS] =
      versions.length > 0 ? maxChannelVersion(...versions) : this.getNextVersion(undefined)
  }
}

/** Returns the checkpoints, the newest first. Ids of LangGraph (UUID version 6) are in the order of time. */
function newestFirst(records: readonly RecordAt[]): readonly CheckpointRecord[] {
  const byId = new Map<string, CheckpointRecord>()
  for (const record of records) if (record.kind === 'checkpoint') byId.set(record.id, record)
  return [...byId.values()].sort((one, other) => (one.id < other.id ? 1 : -1))
}

function matches(metadata: CheckpointMetadata, filter: object): boolean {
  const values = new Map<string, unknown>(Object.entries(metadata))
  return Object.entries(filter).every(([name, value]) => values.get(name) === value)
}

function requested({ configurable }: RunnableConfig): {
  readonly thread: string | undefined
  readonly namespace: string | undefined
} {
  return {
    thread: textOf(configurable?.['thread_id']),
    namespace: textOf(configurable?.['checkpoint_ns']),
  }
}

function placeIn(config: RunnableConfig, method: string): Place {
  const { thread, namespace = '' } = requested(config)
  if (thread === undefined) throw new Error(`${method} requires a thread_id in \`configurable\`.`)
  return { thread, namespace }
}

function idIn(config: RunnableConfig): string | undefined {
  const id = getCheckpointId(config)
  return id === '' ? undefined : id
}

function configOf({ thread, namespace }: Place, id: string): RunnableConfig {
  return { configurable: { thread_id: thread, checkpoint_ns: namespace, checkpoint_id: id } }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
