import {
  type AttemptId,
  type WriterNote,
  writerNoteKey,
  writerNoteOf,
  writersPrefix,
} from '../../catalog/documents/index.ts'
import { isHoldfastError } from '../../errors.ts'
import type { Liveness } from '../../local-files/process-identity.ts'
import type { StoreContext } from '../context/context.ts'

/** A note about the process that writes an attempt, and what this process knows of it. */
export interface NotedWriter extends WriterNote {
  readonly key: string
  readonly liveness: Liveness
}

/**
 * Notes which process writes an attempt, before its first byte. If the process is killed, the next save on this machine can
 * prove that, and delete the attempt. Only shared writers on a local disk do so: a takeover ends other attempts anyway.
 */
export async function noteWriter(context: StoreContext, attempt: AttemptId): Promise<string | undefined> {
  const { backend, environment, writer } = context
  if (writer.mode !== 'shared' || backend.capabilities.localRoot === undefined) return undefined
  const process = await environment.processes.self()
  if (process === undefined) return undefined
  const key = writerNoteKey({ attempt, process })
  await backend.put(key, new Uint8Array(), { size: 0 })
  return key
}

/** Deletes a note once its attempt is committed or removed. A sweep deletes a note that stays. */
export async function forgetWriter(
  { backend, events }: StoreContext,
  key: string | undefined,
): Promise<void> {
  if (key === undefined) return
  try {
    const { failed } = await backend.delete([key])
    const [first] = failed
    if (first !== undefined) events.emit('cleanupFailed', { keys: [key], error: first.error })
  } catch (error) {
    if (!isHoldfastError(error)) throw error
    events.emit('cleanupFailed', { keys: [key], error })
  }
}

/** Returns the notes of the store. Only a store on a local disk has notes. */
export async function notedWriters(
  { backend, environment }: StoreContext,
  signal: AbortSignal | undefined,
): Promise<readonly NotedWriter[]> {
  if (backend.capabilities.localRoot === undefined) return []
  const notes: NotedWriter[] = []
  for await (const { key } of backend.list(writersPrefix, { signal })) {
    const note = writerNoteOf(key)
    if (note === undefined) continue
    notes.push({ ...note, key, liveness: await environment.processes.livenessOf(note.process) })
  }
  return notes
}

/** Returns the attempts of other processes that run on this machine. */
export async function runningWriters(
  context: StoreContext,
  own: ReadonlySet<AttemptId>,
  signal: AbortSignal | undefined,
): Promise<readonly AttemptId[]> {
  const notes = await notedWriters(context, signal)
  return notes.flatMap(({ attempt, liveness }) =>
    liveness === 'running' && !own.has(attempt) ? [attempt] : [],
  )
}
