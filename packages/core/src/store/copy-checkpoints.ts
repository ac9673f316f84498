import { copyAll } from './copy/copy-all.ts'
import { assertCopyOptions, type CopyOptions, type CopyReport } from './copy/options.ts'
import { findOwnMirror, type OwnMirror } from './mirror/own-mirror.ts'
import type { MirroredSource } from './mirror/recording-store.ts'
import type { StoreParts } from './parts.ts'
import { type CheckpointStore, partsOfStore } from './store.ts'
import { traced } from './tracing.ts'
import { idOf } from './marker/read-marker.ts'

/**
 * Copies checkpoints from one store into another. By default it copies all that the destination does not have, in the order
 * in which they were saved. Every byte is verified on its way. A checkpoint that is corrupt at the source is never committed
 * at the destination: it is reported as failed, and the others are copied.
 *
 * A copy that is interrupted continues when it is called again. A checkpoint that the destination has is not copied again.
 * Checkpoints that the retention of the destination would drop are skipped. Rejects with `NOT_FOUND` if the source is empty or
 * lacks a chosen checkpoint, with `INVALID_ARGUMENT` if one of the stores is closed, and as `save` does for the destination.
 *
 * If `to` is the mirror of `from`, the copy acts as that store. Unless `checkpoints` names some, it copies pins and metrics, and replaces
 * what the store has replaced, whatever the options are. Rejects with `FENCED` if another process owns `from` without a job, unless
 * `from` was opened with `takeOver` in shared mode or as a job. Rejects with `INVALID_ARGUMENT` if `to` is a clone of the mirror.
 *
 * @example
 * const { outcomes } = await copyCheckpoints(local, remote, { checkpoints: ['latest'] })
 */
export async function copyCheckpoints<Name extends string>(
  from: CheckpointStore<Name>,
  to: CheckpointStore,
  options: CopyOptions<NoInfer<Name>> = {},
): Promise<CopyReport> {
  assertCopyOptions(options, to.url)
  const [source, destination] = [partsOfStore(from), partsOfStore(to)]
  destination.calls.refuseInJob('copyCheckpoints()')
  const copy = async (): Promise<CopyReport> => {
    await Promise.all([source, destination].map(({ calls }) => calls.refuseNewer(options.signal)))
    return copyBetween(source, destination, options)
  }
  // A copy into the mirror of the source also writes to the source.
  return source.lifetime.whileOpen(() =>
    destination.lifetime.whileOpen(() =>
      options.dryRun === true ? copy() : traced('copy', { store: to.url, from: from.url }, copy),
    ),
  )
}

async function copyBetween(from: StoreParts, to: StoreParts, options: CopyOptions): Promise<CopyReport> {
  const { context } = from
  const source = {
    context,
    id: (signal: AbortSignal | undefined) => idOf(context.backend, signal),
    ready: async (signal: AbortSignal | undefined) => from.access.ready(signal),
  }
  const mirror = await asMirrorOf(from, to, source, options.signal)
  return mirror === undefined ? copyAll(source, to.destination, options) : mirror.copy(options)
}

/** Returns the destination as the mirror of the source; `undefined` if it is not. */
async function asMirrorOf(
  from: StoreParts,
  { destination, mirrorOf }: StoreParts,
  source: MirroredSource,
  signal: AbortSignal | undefined,
): Promise<OwnMirror | undefined> {
  const mirror = await findOwnMirror(source, destination, mirrorOf.get(from), signal)
  if (mirror !== undefined) mirrorOf.set(from, mirror)
  return mirror
}
