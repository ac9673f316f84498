import { onTestFinished } from 'vitest'
import {
  CheckpointStore,
  type Environment,
  HoldfastError,
  MemoryBackend,
  type MirrorOptions,
  type StoreEvents,
  type StoreOptions,
  systemEnvironment,
} from '../../../src/index.ts'
import { StoreEventEmitter } from '../../../src/store/context/events.ts'
import { keysOf, storeOn } from '../../stores.ts'
import { filesOf } from '../copy/copies.ts'

/** A disk and a mirror, which processes open one after the other. */
export interface Places {
  readonly disk: MemoryBackend
  readonly mirror: MemoryBackend
}

export function newPlaces(): Places {
  return { disk: new MemoryBackend('mem:disk'), mirror: new MemoryBackend('mem:mirror') }
}

/** Opens a store with a mirror, as a process of its own. It is closed at the end of the test. */
export function openMirrored(
  { disk, mirror }: Places,
  options: StoreOptions & { readonly mirrorOptions?: Omit<MirrorOptions, 'store'> } = {},
  environment: Environment = systemEnvironment,
  events = new StoreEventEmitter(),
): CheckpointStore {
  const { mirrorOptions, ...others } = options
  const store = new CheckpointStore(
    disk,
    { ...others, mirror: { store: 'mem:mirror', ...mirrorOptions } },
    environment,
    events,
    mirror,
  )
  onTestFinished(async () => {
    await store.close().catch((error: unknown) => {
      if (!(error instanceof HoldfastError)) throw error // the test itself caused it
    })
  })
  return store
}

/** Saves steps, and waits until they are mirrored. */
export async function saveMirrored(store: CheckpointStore, ...steps: readonly number[]): Promise<void> {
  await saveAll(store, ...steps)
  const status = await store.mirror?.flush()
  if (status?.error !== undefined) throw status.error
}

export async function saveAll(store: CheckpointStore, ...steps: readonly number[]): Promise<void> {
  for (const step of steps) await store.save({ step, files: filesOf(step), metrics: { loss: step } })
}

/** The checkpoints in a place, read by a process without options. */
export function readerOf(backend: MemoryBackend): CheckpointStore {
  return storeOn(backend, { mode: 'shared' })
}

/** Copies every object of a place into another one, as a clone of a disk does. */
export async function cloneOf(backend: MemoryBackend, url = 'mem:clone'): Promise<MemoryBackend> {
  const clone = new MemoryBackend(url)
  for (const key of await keysOf(backend)) {
    const { body } = await backend.read(key)
    await clone.put(key, Buffer.concat(await Array.fromAsync(body)))
  }
  return clone
}

/** Notes the events of one kind. */
export function eventsOf<Name extends keyof StoreEvents>(
  store: CheckpointStore,
  name: Name,
): readonly StoreEvents[Name][] {
  const events: StoreEvents[Name][] = []
  store.on(name, (event) => events.push(event))
  return events
}
