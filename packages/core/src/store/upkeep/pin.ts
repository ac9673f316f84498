import { holdCheckpoints } from '../attempts/hold-checkpoint.ts'
import type { StoreContext } from '../context/context.ts'
import type { ChangeWriter } from './change-writer.ts'
import type { WriteAccess } from './write-access.ts'

/** Pins checkpoints in one commit, and places legal holds on their objects if the backend holds objects. */
export async function pinCheckpoints(
  context: StoreContext,
  writer: ChangeWriter,
  steps: readonly number[],
  reason: string | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  const at = context.environment.now().toISOString()
  const pin = reason === undefined ? { at } : { reason, at }
  const committed = await writer.write({ kind: 'pin', steps, pin }, signal)
  await holdCheckpoints(context, committed, steps, { on: true, signal })
}

/** Unpins checkpoints in one commit, also on a full disk, and ends the legal holds of their objects. */
export async function unpinCheckpoints(
  context: StoreContext,
  writer: ChangeWriter,
  access: WriteAccess,
  steps: readonly number[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const committed = await access.freeing(signal, () => writer.write({ kind: 'unpin', steps }, signal))
  await holdCheckpoints(context, committed, steps, { on: false, signal })
}
