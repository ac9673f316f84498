/**
 * Writes the golden stores, with fixed times and identities: `npx -y pnpm@12 golden [NAME]`. Stores that were released must stay
 * readable, so run it only with the NAME of a store to add, and never to let a test pass.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CheckpointStore,
  type Environment,
  MemoryBackend,
  parseJson,
  systemEnvironment,
} from '../../src/index.ts'
import { readCommandLine, UsageError } from '../../../../scripts/parts/command-line.ts'
import { type Edits, reseal, resealCatalog, resealManifest, to } from '../store/reseal.ts'
import { flipBit, foldingEarly, keysOf, tamper } from '../stores.ts'
import { type GoldenStore, goldenStore, writeGolden } from './objects.ts'

/** Each call is a second later, and each identity is the next number. */
function fixedEnvironment(): Environment {
  let calls = 0
  const next = (): number => (calls += 1)
  return {
    ...foldingEarly,
    now: () => new Date(Date.UTC(2026, 0, 1) + 1000 * next()),
    random: () => 0.5,
    newId: () => `00000000-0000-4000-8000-${String(next()).padStart(12, '0')}`,
    newToken: () => next().toString(16).padStart(16, '0'),
    pause: () => Promise.resolve(),
    deliver: systemEnvironment.deliver,
  }
}

/** Creates six checkpoints, of which one is quarantined and one pinned. The older lines of the catalog are in pages. */
async function writeStore(): Promise<MemoryBackend> {
  const environment = fixedEnvironment()
  const backend = new MemoryBackend('mem:golden', () => environment.now())
  const store = new CheckpointStore(
    backend,
    {
      writerName: 'a machine, process 1',
      objectives: { loss: { metric: 'loss', direction: 'min' } },
      retention: { keepLast: 20, keepBest: { loss: 1 } },
    },
    environment,
  )
  for (let step = 10; step <= 60; step += 10) {
    await store.save({
      step,
      epoch: step / 10,
      files: {
        'model.bin': Buffer.from(`the weights of step ${step}`),
        'optimizer/state.bin': Buffer.from(`the optimizer of step ${step}`),
      },
      metrics: { loss: 1 / step, odd: step === 20 ? Number.NaN : Infinity },
      tags: ['golden'],
      metadata: parseJson('{"large":12345678901234567890,"list":[1,2.5,null]}', 'metadata'),
      dataState: { position: step },
    })
  }
  await store.pin(20, 'for good')
  await store.attach(60, { late: 0.25 })
  const [damaged = ''] = await keysOf(backend, 'data/50-')
  await tamper(backend, damaged, flipBit)
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-golden-'))
  await store.restore(50, { to: folder, fallback: true })
  await rm(folder, { recursive: true })
  await store.sweep()
  await store.close()
  return backend
}

const added = parseJson('{"large":12345678901234567890,"by":"a newer version"}', 'added')

function newer(kind: 'catalog' | 'manifest' | 'marker', ...places: readonly string[]): Edits {
  const additions = ['', ...places].map((place): [string, Edits[string]] => [
    place === '' ? 'added' : `${place}.added`,
    to(added),
  ])
  return { ...Object.fromEntries(additions), format: to(`holdfast-${kind}/1.7`) }
}

/** Creates a checkpoint whose small files are in a pack, beside one file that is an object of its own. */
async function writePacks(): Promise<MemoryBackend> {
  const environment = fixedEnvironment()
  const backend = new MemoryBackend('mem:golden', () => environment.now())
  const store = new CheckpointStore(backend, { writerName: 'a machine, process 1' }, environment)
  const stream = async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.from('the weights')
  }
  await store.save({
    step: 10,
    files: {
      'a.txt': Buffer.from('first'),
      'b/empty': new Uint8Array(),
      'b/c.txt': Buffer.from('third'),
      w: stream(),
    },
    packs: 'always',
  })
  await store.close()
  return backend
}

/** Creates a checkpoint whose files are in its manifest. */
async function writeInline(): Promise<MemoryBackend> {
  const environment = fixedEnvironment()
  const backend = new MemoryBackend('mem:golden', () => environment.now())
  Object.assign(backend, { capabilities: { ...backend.capabilities, requestPerObject: true } })
  const store = new CheckpointStore(backend, { writerName: 'a machine, process 1' }, environment)
  await store.save({ step: 10, files: { 'a.txt': Buffer.from('first'), empty: new Uint8Array() } })
  await store.close()
  return backend
}

/** A backend that says of unchanged files that they share their bytes, as a disk does. */
class SharingBackend extends MemoryBackend {
  override async put(...[key, source, { unchanged, ...options } = {}]: Parameters<MemoryBackend['put']>) {
    const result = await super.put(key, source, options)
    return result.sha256 === unchanged?.object.sha256 ? { ...result, reused: 'shared' as const } : result
  }
}

/** Creates four checkpoints, of which the later two share a file with the earlier two. A page has lines of the catalog. */
async function writeShared(): Promise<MemoryBackend> {
  const environment = fixedEnvironment()
  const backend = new SharingBackend('mem:golden', () => environment.now())
  Object.assign(backend, { capabilities: { ...backend.capabilities, reusesObjects: 'shares' } })
  const options = { writerName: 'a machine, process 1', unchanged: 'link' } as const
  const store = new CheckpointStore(backend, options, environment)
  for (const step of [10, 20, 30, 40]) {
    const files = { 'backbone.bin': Buffer.from('frozen'), 'head.bin': Buffer.from(`head of step ${step}`) }
    await store.save({ step, files })
  }
  await store.close()
  return backend
}

/** Writes the store of version 1.0 again as a newer minor version would. */
async function writeNewer(): Promise<MemoryBackend> {
  const minor = await goldenStore('1.0')
  await reseal(minor, 'marker', 'holdfast.json', newer('marker'))
  await resealManifest(minor, 60, newer('manifest', 'files.0'))
  await resealCatalog(
    minor,
    newer('catalog', 'keeping', 'older', 'checkpoints.last', 'metrics.last', 'quarantined.0', 'history.last'),
  )
  return minor
}

/** The last one is made of the one before. */
const stores: ReadonlyMap<GoldenStore, () => Promise<MemoryBackend>> = new Map<
  GoldenStore,
  () => Promise<MemoryBackend>
>([
  ['packs', writePacks],
  ['inline', writeInline],
  ['shared', writeShared],
  ['1.0', writeStore],
  ['1.7', writeNewer],
])

const wanted = readCommandLine(import.meta.filename, { allowPositionals: true }, ({ positionals }) => {
  const [name, ...more] = positionals
  if (more.length > 0) throw new UsageError(`Pass only one NAME, without ${more.join(' ')}.`)
  const names = [...stores.keys()]
  const found = names.find((each) => each === name)
  if (name === undefined || found !== undefined) return found
  throw new UsageError(`The store ${name} does not exist. Choose from: ${names.join(', ')}.`)
})
for (const [name, write] of stores)
  if (wanted === undefined || wanted === name) await writeGolden(name, await write())
