import { type CheckpointStore, isHoldfastError, type JsonValue, parseJson } from '@holdfast/core'
import type { ChannelVersions } from '@langchain/langgraph-checkpoint'
import type { Place } from './threads.ts'
import type { Typed } from './typed.ts'

/** What one save in the store of a thread contains. It is the metadata of the save, so a list returns it without a read. */
export type Record =
  | {
      readonly kind: 'checkpoint'
      /** The names of a store are digests, so its checkpoints state where they belong. */
      readonly place: Place
      readonly id: string
      readonly parent: string | undefined
      /** The metadata of LangGraph. */
      readonly metadata: Typed
      /** The formats of the files, as the serializer names them. */
      readonly types: { readonly content: string; readonly values: string }
      /** The channels whose values are stored with this checkpoint, and the versions of the values. */
      readonly changed: ChannelVersions
    }
  | { readonly kind: 'writes'; readonly id: string; readonly taskId: string; readonly taskPath: string }
  /** All earlier records of the thread are deleted. */
  | { readonly kind: 'deleted' }

export type RecordAt<R extends Record = Record> = R & { readonly step: number }

/** The files of a save: the checkpoint or the writes, and for a checkpoint the values of its changed channels. */
export type Contents = Readonly<{ content: Uint8Array; values?: Uint8Array }>

/** Returns the records of a thread, the oldest first, without reading their contents. */
export async function recordsOf(store: CheckpointStore): Promise<readonly RecordAt[]> {
  const listed = await store.list({ metadata: true })
  // Only `addRecord` writes to these stores.
  const records = listed.map(({ step, metadata }) => ({ ...(metadata as Record), step }))
  return records.slice(records.findLastIndex(({ kind }) => kind === 'deleted') + 1)
}

/** Adds a record at the next free step. Of processes that choose the same step, all but one choose again. */
export async function addRecord(store: CheckpointStore, record: Record, contents: Contents): Promise<number> {
  for (;;) {
    const step = ((await store.latest())?.step ?? -1) + 1
    // The record is also a file, because a save of equal files at the same step would count as the same save.
    const files = { ...contents, 'record.json': Buffer.from(JSON.stringify(record)) }
    try {
      await store.save({ step, files, metadata: metadataOf(record) })
      return step
    } catch (error) {
      if (!isHoldfastError(error, 'ALREADY_EXISTS')) throw error
    }
  }
}

/** Reads a verified file of a record. */
export async function readRecord(
  store: CheckpointStore,
  { step }: RecordAt,
  file: keyof Contents = 'content',
): Promise<Uint8Array> {
  const { body } = await store.read(step, file)
  return new Uint8Array(await new Response(body).arrayBuffer())
}

/** Without the members that are undefined. */
function metadataOf(record: Record): JsonValue {
  return parseJson(JSON.stringify(record), 'a record of a thread')
}
