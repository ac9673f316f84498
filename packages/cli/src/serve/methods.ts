import type { CheckpointStore } from '@holdfast/core'
import * as v from 'valibot'
import type { Call } from './session.ts'
import { copyBetweenStores } from './copy.ts'
import { invalidParams } from './errors.ts'
import { parameters } from './parameters.ts'
import { readToStream } from './read.ts'
import { reporting } from './progress.ts'
import { saveFromClient } from './save.ts'

/** A method that checks its parameters. The result is sent as JSON. */
export type Method = (params: unknown, call: Call) => Promise<unknown>

export function method<Schema extends v.GenericSchema>(
  schema: Schema,
  run: (params: v.InferOutput<Schema>, call: Call) => Promise<unknown>,
): Method {
  return async (params, call) => {
    const parsed = v.safeParse(schema, params ?? {})
    if (parsed.success) return run(parsed.output, call)
    const [issue] = parsed.issues
    throw invalidParams(`${v.getDotPath(issue) ?? 'The parameters'}: ${issue.message}.`)
  }
}

/** A method whose only parameter is the number of the store. */
function ofStore(run: (store: CheckpointStore, signal: AbortSignal) => Promise<unknown>): Method {
  return method(parameters.ofStore, ({ store }, { session, signal }) => run(session.storeOf(store), signal))
}

/** The methods of a store by name. */
export const methods: Readonly<Record<string, Method>> = {
  openStore: method(parameters.openStore, ({ location, ...options }, { session }) =>
    session.open(location, options),
  ),
  closeStore: method(parameters.ofStore, ({ store }, { session }) => session.close(store)),
  save: method(parameters.save, saveFromClient),
  hurry: method(parameters.ofStore, async ({ store }, { session }) => session.hurry(store)),
  restore: method(parameters.restore, ({ store, choice, progress, ...options }, { session, signal }) =>
    session.storeOf(store).restore(choice, { ...options, signal, onProgress: reporting(session, progress) }),
  ),
  join: method(parameters.join, ({ store, fallback }, { session, signal }) =>
    session.storeOf(store).join({ fallback, signal }),
  ),
  read: method(parameters.read, readToStream),
  localPath: method(parameters.localPath, ({ store, choice, file }, { session, signal }) =>
    session.storeOf(store).localPath(choice, file, { signal }),
  ),
  list: method(parameters.list, ({ store, ...options }, { session, signal }) =>
    session.storeOf(store).list({ ...options, signal }),
  ),
  quarantined: ofStore((store, signal) => store.quarantined({ signal })),
  latest: ofStore((store, signal) => store.latest({ signal })),
  best: method(parameters.best, ({ store, objective }, { session, signal }) =>
    session.storeOf(store).best(objective, { signal }),
  ),
  nextDrops: ofStore((store, signal) => store.nextDrops({ signal })),
  history: ofStore((store, signal) => store.history({ signal })),
  removed: ofStore((store, signal) => store.removed({ signal })),
  abandoned: ofStore((store, signal) => store.abandoned({ signal })),
  presence: ofStore((store, signal) => store.presence({ signal })),
  unfinishedSaves: ofStore((store, signal) => store.unfinishedSaves({ signal })),
  unfinishedJointSaves: ofStore((store, signal) => store.unfinishedJointSaves({ signal })),
  get: method(parameters.ofChoice, ({ store, choice }, { session, signal }) =>
    session.storeOf(store).get(choice, { signal }),
  ),
  tensors: method(parameters.ofChoice, ({ store, choice }, { session, signal }) =>
    session.storeOf(store).tensors(choice, { signal }),
  ),
  pin: method(parameters.pin, ({ store, step, reason }, { session, signal }) =>
    session.storeOf(store).pin(step, reason, { signal }),
  ),
  unpin: method(parameters.ofStep, ({ store, step }, { session, signal }) =>
    session.storeOf(store).unpin(step, { signal }),
  ),
  markGood: method(parameters.ofStep, ({ store, step }, { session, signal }) =>
    session.storeOf(store).markGood(step, { signal }),
  ),
  rewind: method(parameters.rewind, ({ store, step, dryRun }, { session, signal }) =>
    session.storeOf(store).rewind(step, { dryRun, signal }),
  ),
  copy: method(parameters.copy, copyBetweenStores),
  attach: method(parameters.attach, ({ store, step, metrics }, { session, signal }) =>
    session.storeOf(store).attach(step, metrics, { signal }),
  ),
  metrics: ofStore((store, signal) => store.metrics({ signal })),
  unscored: ofStore((store, signal) => store.unscored({ signal })),
  plateau: method(parameters.plateau, ({ store, objective }, { session, signal }) =>
    session.storeOf(store).plateau(objective, { signal }),
  ),
  forgetObjective: method(parameters.forgetObjective, ({ store, name }, { session, signal }) =>
    session.storeOf(store).forgetObjective(name, { signal }),
  ),
  mirrorStatus: ofStore((store, signal) => store.mirrorStatus({ signal })),
  flushMirror: ofStore(async (store, signal) => store.mirror?.flush({ signal })),
  forgetMirror: ofStore((store, signal) => store.forgetMirror({ signal })),
  prune: method(parameters.prune, ({ store, dryRun, undoFor }, { session, signal }) =>
    session.storeOf(store).prune({ dryRun, undoFor, signal }),
  ),
  delete: method(parameters.delete, ({ store, steps, allowBest, undoFor }, { session, signal }) =>
    session.storeOf(store).delete(steps, { allowBest, undoFor, signal }),
  ),
  undo: method(parameters.undo, ({ store, steps, dryRun }, { session, signal }) =>
    session.storeOf(store).undo({ steps, dryRun, signal }),
  ),
  verify: method(parameters.verify, ({ store, steps, quick, progress }, { session, signal }) =>
    session.storeOf(store).verify({ steps, quick, signal, onProgress: reporting(session, progress) }),
  ),
  sweep: method(parameters.sweep, ({ store, dryRun, now }, { session, signal }) =>
    session.storeOf(store).sweep({ dryRun, now, signal }),
  ),
  repair: ofStore((store, signal) => store.repair({ signal })),
  doctor: ofStore((store, signal) => store.doctor({ signal })),
  flush: ofStore((store) => store.flush()),
}
