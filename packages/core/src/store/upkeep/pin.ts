import { holdCheckpoint } from '../attempts/hold-checkpoint.ts'
import type { StoreContext } from '../context/context.ts'
import type { ChangeWriter } from './change-writer.ts'
import type { WriteAccess } from './write-access.ts'

/** Pins a checkpoint, and places legal holds on its objects if the backend holds objects. */
export async function pinCheckpoint(
  context: StoreContext,
  writer: ChangeWriter,
  step: number,
  reason: string | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  const at = context.environment.now().toISOString()
  const pin = reason === undefined ? { at } : { reason, at }
  const committed = await writer.write({ kind: 'pin', step, pin }, signal)
  await holdCheckpoint(context, committed, step, { on: true, signal })
}

/** Unpins a checkpoint, also on a full disk, and ends the legal holds of its objects. */
export async function unpinCheckpoint(
  context: StoreContext,
  writer: ChangeWriter,
  access: WriteAccess,
  step: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const committed = await access.freeing(signal, () => writer.write({ kind: 'unpin', step }, signal))
  await holdCheckpoint(context, committed, step, { on: false, signal })
}
