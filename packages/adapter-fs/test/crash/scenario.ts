import {
  type CheckpointStore,
  CheckpointStore as Store,
  systemEnvironment,
  type RetentionOptions,
  type Environment,
} from '@holdfast/core'
import { FileBackend, type FileSystem } from '../../src/index.ts'

/** The root of the store in every crash scenario. */
export const root = '/store'

/** The expected content of each step in the store. */
export type Known = ReadonlyMap<number, string>

export interface Step {
  readonly name: string
  readonly run: (store: CheckpointStore) => Promise<CheckpointStore>
  /** Returns the expected contents after the step is acknowledged. */
  readonly after: (before: Known) => Known
}

/** Moves older lines of the catalog to pages after two saves. */
const foldingEarly: Environment = {
  ...systemEnvironment,
  pageLimits: {
    checkpoints: { inline: 1, page: 2 },
    metrics: { inline: 1, page: 2 },
    references: { inline: 1, page: 2 },
  },
}

export function openOn(
  fileSystem: FileSystem,
  retention: RetentionOptions = {},
  platform: NodeJS.Platform = process.platform,
): CheckpointStore {
  const options = { writerName: 'scenario', gracePeriod: 0, unchanged: 'link', retention } as const
  return new Store(new FileBackend(root, { fileSystem, platform }), options, foldingEarly)
}

/** From this step on, each checkpoint has a file that never changes, so that some of them share it. */
const firstWithFrozen = 3
const frozen = { 'frozen.bin': Buffer.alloc(100, 'frozen') }

/** Saves a few files, in a pack if the step is lower than that of the first shared file. */
function save(step: number, content: string, onExisting: 'fail' | 'replace' = 'fail'): Step {
  return {
    name: `${onExisting === 'replace' ? 'replace' : 'save'} ${step}`,
    run: async (store) => {
      const mayShare = step >= firstWithFrozen
      const own = { 'model.bin': Buffer.from(content.repeat(50)), 'log/a.txt': Buffer.from(content) }
      const files = mayShare ? { ...own, ...frozen } : own
      const packs = mayShare ? 'never' : 'always'
      await store.save({ step, files, onExisting, tags: [content], packs })
      await store.flush()
      return store
    },
    after: (before) => new Map([...before, [step, content]]),
  }
}

function action(name: string, run: Step['run'], after: Step['after'] = (before) => before): Step {
  return { name, run, after }
}

/** Every operation that changes a store, in sequence. */
export function scenario(fileSystem: FileSystem, platform?: NodeJS.Platform): readonly Step[] {
  return [
    save(1, 'first'),
    save(2, 'second'),
    save(1, 'replaced', 'replace'),
    action('pin 2', async (store) => {
      await store.pin(2, 'kept')
      return store
    }),
    save(3, 'third'),
    action(
      'delete 1, so that it can be undone',
      async (store) => {
        await store.delete([1], { undoFor: '1 h' })
        return store
      },
      (before) => new Map([...before].filter(([step]) => step !== 1)),
    ),
    action(
      'undo',
      async (store) => {
        await store.undo({ steps: [1] })
        return store
      },
      (before) => new Map([[1, 'replaced'], ...before]),
    ),
    action(
      'delete 1',
      async (store) => {
        await store.delete([1])
        return store
      },
      (before) => new Map([...before].filter(([step]) => step !== 1)),
    ),
    action('take over', async () => {
      const next = openOn(fileSystem, {}, platform)
      await next.pin(3)
      return next
    }),
    action('sweep', async (store) => {
      await store.sweep()
      return store
    }),
    action('repair', async (store) => {
      await store.repair()
      return store
    }),
    save(4, 'fourth'),
    action('attach to 4', async (store) => {
      await store.attach(4, { loss: 1 })
      return store
    }),
    save(5, 'fifth'),
    action(
      'take over and save 6, which drops 4',
      async () => {
        // Steps 2 and 3 are pinned.
        const next = openOn(fileSystem, { keepLast: 2 }, platform)
        const files = { 'model.bin': Buffer.from('sixth'), ...frozen }
        await next.save({ step: 6, files, tags: ['sixth'], packs: 'never' })
        await next.flush()
        return next
      },
      (before) => new Map([...before, [6, 'sixth'] as const].filter(([step]) => step !== 4)),
    ),
    action('prune', async (store) => {
      await store.prune()
      return store
    }),
    action('close', async (store) => {
      await store.close()
      return store
    }),
  ]
}
