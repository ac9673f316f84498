import { compareWritesSortKeys, WRITES_IDX_MAP, writesSortKey } from '@langchain/langgraph-checkpoint'
import type {
  CheckpointPendingWrite,
  PendingWrite,
  SerializerProtocol,
} from '@langchain/langgraph-checkpoint'
import { decodeTyped, encodeTyped, type Typed } from './typed.ts'

type StoredWrite = Typed & { readonly index: number; readonly channel: string }

/** The writes of one task, read back. */
export interface WritesOfTask {
  readonly taskId: string
  readonly taskPath: string
  readonly content: Uint8Array
}

/** Returns the bytes that contain the writes of one task. */
export async function encodeWrites(
  serde: SerializerProtocol,
  writes: readonly PendingWrite[],
): Promise<Uint8Array> {
  const stored = writes.map(async ([channel, value], place): Promise<StoredWrite> => {
    const index = WRITES_IDX_MAP[channel] ?? place
    return { index, channel, ...(await encodeTyped(serde, value)) }
  })
  return Buffer.from(JSON.stringify(await Promise.all(stored)))
}

/**
 * Returns the writes of all tasks in the order in which LangGraph applies them. The first write of a task and an index counts,
 * and of errors and interrupts (a negative index) the last.
 */
export async function decodeWrites(
  serde: SerializerProtocol,
  tasks: readonly WritesOfTask[],
): Promise<CheckpointPendingWrite[]> {
  const counted = new Map<string, StoredWrite & WritesOfTask>()
  for (const task of tasks) {
    for (const write of JSON.parse(Buffer.from(task.content).toString()) as readonly StoredWrite[]) {
      const key = JSON.stringify([task.taskId, write.index])
      if (write.index < 0 || !counted.has(key)) counted.set(key, { ...write, ...task })
    }
  }
  const ordered = [...counted.values()]
    .map((write) => ({ write, key: writesSortKey(write.taskPath, write.taskId, write.index) }))
    .sort((one, other) => compareWritesSortKeys(one.key, other.key))
  return Promise.all(
    ordered.map(async ({ write }): Promise<CheckpointPendingWrite> => {
      return [write.taskId, write.channel, await decodeTyped(serde, write)]
    }),
  )
}
