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
import { nameOf, type Place, Threads } from './threads.ts'
import { decodeTyped, encodeTyped } from './typed.ts'
import { decodeWrites, encodeWrites } from './writes.ts'

type CheckpointRecord = RecordAt<Extract<Record, { readonly kind: 'checkpoint' }>>

/**
 * Keeps the checkpoints of LangGraph in stores of Holdfast: one store for each namespace of each thread, below `location`. A
 * checkpoint, and the writes of a task, are one save each, so they are durable when `put` and `putWrites` resolve. A value of a
 * channel is stored with the checkpoint that changed it, and read from there by its descendants.
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
    const parent = idIn(config)
    const { channel_values: all, ...copied } = copyCheckpoint(checkpoint)
    // LangGraph puts a copy of a checkpoint beside it, so no ancestor has the values that the original changed.
    const changed = metadata.source === 'fork' ? checkpoint.channel_versions : newVersions
    const values = Object.fromEntries(Object.entries(all).filter(([name]) => Object.hasOwn(changed, name)))
    const [contentType, content] = await this.serde.dumpsTyped({ ...copied, channel_values: {} })
    const [valuesType, stored] = await this.serde.dumpsTyped(values)
    const record = {
      kind: 'checkpoint',
      place,
      id: checkpoint.id,
      parent,
      metadata: await encodeTyped(this.serde, metadata),
      types: { content: contentType, values: valuesType },
      changed,
    } as const
    await this.#threads.use(nameOf(place), (store) => addRecord(store, record, { content, values: stored }))
    return configOf(place, checkpoint.id)
  }

  async putWrites(
    config: RunnableConfig,
    writes: PendingWrite[],
    taskId: string,
    taskPath = '',
  ): Promise<void> {
    const place = placeIn(config, 'putWrites')
    const id = idIn(config)
    if (id === undefined) throw new Error('putWrites requires a checkpoint_id in `configurable`.')
    const content = await encodeWrites(this.serde, writes)
    const record = { kind: 'writes', id, taskId, taskPath } as const
    await this.#threads.use(nameOf(place), (store) => addRecord(store, record, { content }))
  }

  async getTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
    const { thread, namespace } = requested(config)
    if (thread === undefined) return undefined
    const id = idIn(config)
    return this.#threads.use(nameOf({ thread, namespace: namespace ?? '' }), async (store) => {
      const records = await recordsOf(store)
      const found = newestFirst(records).find((each) => id === undefined || each.id === id)
      return found === undefined ? undefined : this.#tuple(store, records, found)
    })
  }

  /** Chooses checkpoints by what the list of each store contains, and reads only the ones that it yields. */
  async *list(config: RunnableConfig, options: CheckpointListOptions = {}): AsyncGenerator<CheckpointTuple> {
    const { limit = Infinity, before, filter = {} } = options
    const only = requested(config)
    const onlyId = idIn(config)
    const beforeId = before === undefined ? undefined : idIn(before)
    let left = limit
    for (const name of await this.#threads.names(only.thread)) {
      const records = await this.#threads.use(name, recordsOf)
      for (const record of newestFirst(records)) {
        if ((only.namespace ?? record.place.namespace) !== record.place.namespace) break
        if ((onlyId ?? record.id) !== record.id) continue
        if (beforeId !== undefined && record.id >= beforeId) continue
        if (!matches(await this.#metadata(record), filter)) continue
        if (left <= 0) return
        left -= 1
        yield await this.#threads.use(name, (store) => this.#tuple(store, records, record))
      }
    }
  }

  /** Deletes all checkpoints of a thread. A store keeps its last save, which then states that the thread is deleted. */
  async deleteThread(threadId: string): Promise<void> {
    for (const name of await this.#threads.names(threadId)) {
      await this.#threads.use(name, async (store) => {
        const steps = (await store.list()).map(({ step }) => step)
        const deleted = await addRecord(store, { kind: 'deleted' }, { content: new Uint8Array() })
        await store.delete(steps.filter((step) => step < deleted))
      })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#threads[Symbol.asyncDispose]()
  }

  async #tuple(
    store: CheckpointStore,
    records: readonly RecordAt[],
    record: CheckpointRecord,
  ): Promise<CheckpointTuple> {
    const content = await readRecord(store, record)
    const checkpoint = (await this.serde.loadsTyped(record.types.content, content)) as Checkpoint
    checkpoint.channel_values = await this.#valuesOf(store, records, record, checkpoint.channel_versions)
    const { place, id, parent } = record
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
    return (await decodeTyped(this.serde, metadata)) as CheckpointMetadata
  }

  /**
   * Reads each value from the nearest ancestor that stores it. Checkpoints of other branches are no source, because branches
   * count the versions of a channel from the same number.
   */
  async #valuesOf(
    store: CheckpointStore,
    records: readonly RecordAt[],
    record: CheckpointRecord,
    versions: ChannelVersions,
  ): Promise<Checkpoint['channel_values']> {
    const values: Checkpoint['channel_values'] = {}
    const missing = new Set(Object.keys(versions))
    for (const each of withAncestors(record, records)) {
      if (missing.size === 0) break
      const names = [...missing].filter((name) => each.changed[name] === versions[name])
      if (names.length === 0) continue
      const content = await readRecord(store, each, 'values')
      const read = (await this.serde.loadsTyped(each.types.values, content)) as object
      const stored = new Map<string, unknown>(Object.entries(read))
      for (const name of names) {
        missing.delete(name)
        if (stored.has(name)) values[name] = stored.get(name)
      }
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

/** Yields a checkpoint, its parent, and so on. */
function* withAncestors(
  record: CheckpointRecord,
  records: readonly RecordAt[],
): Generator<CheckpointRecord, void> {
  const byId = new Map(newestFirst(records).map((each) => [each.id, each]))
  for (let each: CheckpointRecord | undefined = record; each !== undefined; ) {
    yield each
    byId.delete(each.id) // ends a circle
    each = each.parent === undefined ? undefined : byId.get(each.parent)
  }
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
