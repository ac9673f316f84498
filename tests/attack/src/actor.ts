/**
 * One process of an attack: `actor.ts SETTINGS SEED NAME CLOCK FOLDER`. It uses the store until it is killed, and
 * reports the start and the end of every operation. `CLOCK` is the number of milliseconds by which its clock is wrong.
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Checkpoint, CheckpointStore, isHoldfastError, systemEnvironment } from '@holdfast/core'
import { openBackend, parseLocation } from '@holdfast/core/backend'
import { exitWithParent } from '@holdfast/test-servers'
import { differenceFrom, filesOf, operationIn } from './content.ts'
import {
  keepLast,
  keepWithin,
  type Settings,
  type Operation,
  type Outcome,
  type Report,
} from './operations.ts'
import { backendOptions } from './backend-options.ts'
import { adapters } from './places.ts'
import { Random } from './random.ts'

const [, , settingsText = '', seed = '0', name = '', clock = '0', folder = ''] = process.argv
// No parser is necessary, because the campaign has written these settings.
const settings = JSON.parse(settingsText) as Settings
const random = new Random(Number(seed))
const isEvaluator = random.below(4) === 0
let count = 0
let store = await opened()

exitWithParent()
for (;;) await act(await listed())

async function act(checkpoints: readonly Checkpoint[]): Promise<void> {
  const any = checkpoints[random.below(Math.max(1, checkpoints.length))]?.step
  const next = (checkpoints.at(-1)?.step ?? 0) + 1 + random.below(3)
  const kind = random.of(
    isEvaluator
      ? (['attach', 'attach', 'attach', 'restore', 'verify', 'prune'] as const)
      : ([
          'save',
          'save',
          'save',
          'save',
          'replace',
          'delete',
          'pin',
          'unpin',
          'restore',
          'restore',
          'prune',
          'sweep',
          'repair',
          'open',
        ] as const),
  )
  switch (kind) {
    case 'save':
      return save('save', next)
    case 'replace':
      return save('replace', any ?? next)
    case 'attach':
      return any === undefined ? undefined : attach(any)
    case 'delete':
    case 'pin':
    case 'unpin':
      if (any === undefined) return undefined
      return report({ kind, id: nextId(), step: any }, () =>
        kind === 'delete' ? store.delete([any]) : store[kind](any),
      )
    case 'restore':
      return restore(random.below(3) === 0 ? (any ?? 'latest') : 'latest')
    case 'open':
      return report({ kind, id: nextId() }, async () => {
        store = await opened()
        await store.sweep()
      })
    case 'verify':
      return verify()
    case 'prune':
    case 'sweep':
    case 'repair':
      return report({ kind, id: nextId() }, () => store[kind]())
  }
}

async function save(kind: 'save' | 'replace', step: number): Promise<void> {
  const id = nextId()
  const loss = random.below(1_000_000) / 1000
  await report({ kind, id, step, loss }, () =>
    store.save({
      step,
      files: filesOf(id),
      metrics: { loss },
      metadata: { operation: id },
      onExisting: kind === 'save' ? 'fail' : 'replace',
    }),
  )
}

async function attach(step: number): Promise<void> {
  // The value depends only on the step, so that repeated evaluations do not change which step is the best.
  const accuracy = new Random(step).below(1_000_000) / 1000
  await report({ kind: 'attach', id: nextId(), step, accuracy }, () => store.attach(step, { accuracy }))
}

async function restore(choice: number | 'latest'): Promise<void> {
  const to = join(folder, name)
  await report({ kind: 'restore', id: nextId() }, async () => {
    const restored = await store.restore(choice, { to, fallback: true })
    if (restored === undefined) return
    // Checkpoints that the restore skipped are quarantined, and the campaign reports them later.
    if (restored.damagedCatalogs.length > 0) await violated('restore reported a damaged catalog')
    const id = operationIn(restored.metadata)
    const difference =
      id === undefined ? 'its metadata names no operation' : await differenceFrom(id, restored.restored)
    if (difference !== undefined) await violated(`restored step ${restored.step}: ${difference}`)
  })
  await rm(to, { recursive: true, force: true })
}

/** Verifies twice, because a repair beside a failing save can cause a problem that the next verification no longer finds. */
async function verify(): Promise<void> {
  await report({ kind: 'verify', id: nextId() }, async () => {
    if ((await store.verify()).good) return
    const { good, checkpoints, problems } = await store.verify()
    const faults = checkpoints.flatMap((each) => each.problems.map((fault) => `step ${each.step}: ${fault}`))
    if (!good) await violated(`verify found ${[...problems, ...faults].join('; ')}`)
  })
}

async function opened(): Promise<CheckpointStore> {
  const backend = await openBackend(parseLocation(settings.url), {
    adapters,
    backend: backendOptions(settings.url),
  })
  return new CheckpointStore<string>(
    backend,
    isEvaluator
      ? { mode: 'shared', objectives: { accuracy: { metric: 'accuracy', direction: 'max' } } }
      : {
          mode: settings.mode,
          gracePeriod: settings.gracePeriod,
          objectives: { loss: { metric: 'loss', direction: 'min' } },
          retention: settings.keepsByAge ? { keepLast, keepWithin } : { keepLast },
        },
    { ...systemEnvironment, now: () => new Date(Date.now() + Number(clock)) },
  )
}

async function listed(): Promise<readonly Checkpoint[]> {
  try {
    return await store.list()
  } catch (error) {
    if (!isHoldfastError(error, 'UNAVAILABLE')) await violated(`list failed: ${String(error)}`)
    return []
  }
}

/** Reports the start of an operation, runs it, and reports its outcome. */
async function report(operation: Operation, run: () => Promise<unknown>): Promise<void> {
  await send({ when: 'started', operation })
  let outcome: Outcome = 'acknowledged'
  try {
    await run()
  } catch (error) {
    outcome = await outcomeOf(error, operation)
  }
  await send({ when: 'ended', id: operation.id, outcome })
}

async function outcomeOf(error: unknown, { kind }: Operation): Promise<Outcome> {
  if (isHoldfastError(error, 'OUTCOME_UNKNOWN')) return 'unknown'
  const isExpected = isHoldfastError(
    error,
    'ALREADY_EXISTS',
    'NOT_FOUND',
    'FENCED',
    'INVALID_ARGUMENT',
    'UNAVAILABLE',
    'INSUFFICIENT_SPACE',
  )
  if (!isExpected)
    await violated(
      `${kind} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    )
  return 'refused'
}

async function violated(what: string): Promise<void> {
  await send({ when: 'violated', what: `${name}: ${what}` })
}

async function send(message: Report): Promise<void> {
  await new Promise((resolve) => process.send?.(message, resolve))
}

function nextId(): string {
  count += 1
  return `${name}.${count}`
}
