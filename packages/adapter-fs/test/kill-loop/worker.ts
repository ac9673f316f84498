/** Works on a store until it is killed. Reports each operation to its parent before and after it. */
import {
  type Checkpoint,
  CheckpointStore,
  systemEnvironment,
  type SaveRequest,
  type Environment,
} from '@holdfast/core'
import { FileBackend } from '../../src/index.ts'
import { keepLast, type Message, type Operation, Random } from './operations.ts'

const [, , root = '', seed = '0', run = '0'] = process.argv
const random = new Random(Number(seed) + Number(run))
/** Moves older lines of the catalog to pages after a few saves. */
const foldingEarly: Environment = {
  ...systemEnvironment,
  pageLimits: {
    checkpoints: { inline: 2, page: 2 },
    metrics: { inline: 3, page: 2 },
    references: { inline: 2, page: 2 },
  },
}
let count = 0
let store = await takeOver()

for (;;) await work(await store.list())

async function work(listed: readonly Checkpoint[]): Promise<void> {
  const unpinned = listed.filter(({ pinned }) => pinned === undefined)
  const oldest = unpinned.length > 1 ? unpinned[0]?.step : undefined
  const replaceable = unpinned[random.below(Math.max(1, unpinned.length))]?.step
  const any = listed[random.below(Math.max(1, listed.length))]?.step
  const next = (listed.at(-1)?.step ?? 0) + 1
  const kind = random.of([
    'save',
    'save',
    'two saves',
    'replace',
    'delete',
    'remove',
    'undo',
    'pin',
    'unpin',
    'take over',
    'sweep',
    'repair',
    'prune',
    'attach',
  ])
  if (oldest !== undefined && (kind === 'delete' || kind === 'remove'))
    await told({ kind, id: nextId(), step: oldest }, () =>
      store.delete([oldest], { undoFor: kind === 'delete' ? 0 : '1 h' }),
    )
  else if (kind === 'undo') await undo()
  else if (any === undefined || kind === 'save') await save(next)
  else if (kind === 'two saves') await Promise.all([save(next), save(next + 1)])
  else if (kind === 'replace') await replace(replaceable ?? next)
  else if (kind === 'pin' || kind === 'unpin')
    await told({ kind, id: nextId(), step: any }, () => store[kind](any))
  else if (kind === 'take over') store = await takeOver()
  else if (kind === 'attach')
    await told({ kind, id: nextId() }, () => store.attach(any, { loss: random.below(100) }))
  else if (kind === 'sweep' || kind === 'repair' || kind === 'prune')
    await told({ kind, id: nextId() }, () => store[kind]())
}

async function save(step: number): Promise<void> {
  const id = nextId()
  await told({ kind: 'save', id, step }, async () => (await store.saveInBackground(request(id, step))).done)
}

async function replace(step: number): Promise<void> {
  const id = nextId()
  await told({ kind: 'replace', id, step }, () => store.save({ ...request(id, step), onExisting: 'replace' }))
}

async function undo(): Promise<void> {
  const step = (await store.removed()).at(-1)?.step
  if (step !== undefined)
    await told({ kind: 'undo', id: nextId(), step }, () => store.undo({ steps: [step] }))
}

/** Opens another writer on the same store. Its first write fences the writer before. */
async function takeOver(): Promise<CheckpointStore> {
  const options = { background: { limit: 2 }, retention: { keepLast }, unchanged: 'link' } as const
  const next = new CheckpointStore(new FileBackend(root), options, foldingEarly)
  await told({ kind: 'take over', id: nextId() }, () => next.sweep())
  return next
}

/** Returns files of 0 to 500,000 bytes, whose content names the operation that wrote them. Some saves pack them. */
function request(id: string, step: number): SaveRequest {
  const files: Record<string, Uint8Array | AsyncIterable<Uint8Array>> = {}
  for (let file = 0; file <= random.below(3); file += 1) {
    const bytes = Buffer.alloc(random.below(500_000), `${id} ${file} `)
    files[`part-${file}/model.bin`] = random.below(2) === 0 ? bytes : inPieces(bytes)
  }
  // A file that never changes, which unpacked checkpoints share.
  files['frozen.bin'] = Buffer.alloc(200_000, 'frozen')
  const packs = random.below(2) === 0 ? 'always' : 'never'
  return { step, files, packs, metadata: { operation: id } }
}

async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.byteLength; start += 60_000) yield bytes.subarray(start, start + 60_000)
}

async function told(operation: Operation, act: () => Promise<unknown>): Promise<void> {
  await send({ when: 'begins', operation })
  await act()
  await send({ when: 'acknowledged', operation })
}

async function send(message: Message): Promise<void> {
  await new Promise((resolve) => process.send?.(message, resolve))
}

function nextId(): string {
  count += 1
  return `${run}.${count}`
}
