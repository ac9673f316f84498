import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type CheckpointStore, openStore } from '@holdfast/core'
import type { Bench } from '../harness/bench.ts'
import {
  assertEqual,
  assertSame,
  randomBytes,
  type Sample,
  sha256Of,
  syncFile,
  writeSample,
  writeTensors,
} from '../harness/bytes.ts'
import type { Contender } from '../harness/work.ts'
import { restoreByHand, saveByHand, writeDurably } from '../peers/by-hand.ts'
import { copyAndSync } from '../peers/copy.ts'
import { opensslDigest } from '../peers/openssl.ts'
import { rcloneCopies } from '../peers/rclone.ts'
import { restoring } from '../works/large-file.ts'
import { newestFile, smallCheckpoints } from '../works/small-checkpoints.ts'

const copying = 'cp + fsync'
const digesting = 'openssl dgst -sha256'
const scripted = 'a careful script'
/** It compares the MD5 of both files. */
const synced = 'rclone + fsync'

/** The limit of the machine. Copying and hashing can overlap, so the slower of the two is the least possible time. */
const limit = (name: string) => ({
  text: 'the slower of cp + fsync and openssl',
  role: 'time' as const,
  of: name,
  against: { which: 'slowest', names: [copying, digesting] } as const,
  atMost: 1.15,
})

const oneAfterTheOther = (name: string) => ({
  text: 'cp + fsync, then openssl',
  of: name,
  against: { which: 'sum', names: [copying, digesting] } as const,
})

/** The goals for processor time: that of the peers that compute a digest, and that of the programs for the same result. */
const costs = (name: string) => {
  const processor = { of: name, measured: 'processor' } as const
  return [
    {
      ...processor,
      text: 'the cheapest peer that computes a digest',
      role: 'digest peer',
      against: { which: 'fastest', names: [scripted, synced] },
      atMost: 1,
    },
    { ...processor, text: synced, against: { which: 'fastest', names: [synced] }, atMost: 1.5 },
    {
      ...processor,
      text: 'cp + fsync and openssl together',
      against: { which: 'sum', names: [copying, digesting] },
      atMost: 1,
    },
  ] as const
}

const byHand = (name: string) => ({
  text: scripted,
  of: name,
  against: { which: 'fastest', names: [scripted] } as const,
})

/** Measures one large file, one large array of bytes, and one small checkpoint on the file system. */
export async function fileSystem(bench: Bench): Promise<void> {
  const sample = await writeSample(join(bench.folder, 'sample.bin'), bench.scale.bytes)
  await saveFile(bench, sample)
  await saveBytes(bench, sample)
  await saveFiniteTensors(bench)
  await restoreFile(bench, sample)
  await smallCheckpoints(bench)
}

async function saveFile(bench: Bench, sample: Sample): Promise<void> {
  const ours = savingOnFreshStore(bench, sample, { 'model.bin': sample.path })
  await bench.measure(
    {
      name: 'Save a large file, durable, with SHA-256',
      headline: { question: 'Save a large file', kind: 'disk', place: 'disk' },
      bytes: sample.size,
      contenders: [
        ours,
        ...machine(bench, sample),
        scriptedSave(bench, sample),
        ...(await copyingByRclone(bench, sample)),
      ],
      comparisons: [limit(ours.name), oneAfterTheOther(ours.name), ...costs(ours.name), byHand(ours.name)],
    },
    { onDisk: true },
  )
}

async function saveBytes(bench: Bench, sample: Sample): Promise<void> {
  const bytes = await readFile(sample.path)
  const ours = savingOnFreshStore(bench, sample, { 'model.bin': bytes })
  const writing = 'write + fsync'
  let to = ''
  const plain: Contender = {
    name: writing,
    prepare: async () => {
      to = await bench.fresh('plain.bin')
    },
    run: async () => {
      await writeDurably(to, bytes)
      return undefined
    },
    verify: () => assertSame(to, sample),
  }
  const hashing = 'SHA-256 of the bytes'
  let digest = ''
  const hash: Contender = {
    name: hashing,
    run: async () => {
      digest = sha256Of(bytes)
      return undefined
    },
    verify: async () => {
      assertEqual(digest, sample.sha256, 'The digest of the bytes')
    },
  }
  await bench.measure(
    {
      name: 'Save bytes in memory, durable, with SHA-256',
      bytes: sample.size,
      contenders: [ours, plain, hash],
      comparisons: [
        { text: writing, of: ours.name, against: { which: 'fastest', names: [writing] }, atMost: 1.15 },
        {
          text: 'the slower of write + fsync and SHA-256',
          of: ours.name,
          against: { which: 'slowest', names: [writing, hashing] },
          atMost: 1.15,
        },
      ],
    },
    { onDisk: true },
  )
}

/** Measures what it costs to refuse NaN and infinity. */
async function saveFiniteTensors(bench: Bench): Promise<void> {
  const sample = await writeTensors(join(bench.folder, 'model.safetensors'), bench.scale.bytes)
  const files = { 'model.safetensors': sample.path }
  const unchecked = { ...savingOnFreshStore(bench, sample, files), name: 'Holdfast without the check' }
  const ours = savingOnFreshStore(bench, sample, files, { requireFinite: true })
  await bench.measure(
    {
      name: 'Save a safetensors file, and refuse NaN and infinity',
      bytes: sample.size,
      contenders: [ours, unchecked],
      comparisons: [
        {
          text: unchecked.name,
          of: ours.name,
          against: { which: 'fastest', names: [unchecked.name] },
          atMost: 1.3,
        },
      ],
    },
    { onDisk: true },
  )
}

async function restoreFile(bench: Bench, sample: Sample): Promise<void> {
  await using store = await openStore(await bench.fresh('restored-from'), { mode: 'shared' })
  await store.save({ step: 1, files: { 'model.bin': sample.path } })
  const ours = restoring(bench, store, sample)
  let script = ''
  const careful: Contender = {
    name: scripted,
    prepare: async () => {
      script = join(await bench.freshFolder('restored-by-script'), 'model.bin')
    },
    run: () => restoreByHand(sample.path, script, sample.sha256),
    verify: () => assertSame(script, sample),
  }
  await bench.measure(
    {
      name: 'Restore a large file, verified by SHA-256, durable',
      headline: { question: 'Restore a large file', kind: 'disk', place: 'disk' },
      bytes: sample.size,
      contenders: [ours, ...machine(bench, sample), careful, ...(await copyingByRclone(bench, sample))],
      comparisons: [limit(ours.name), oneAfterTheOther(ours.name), ...costs(ours.name), byHand(ours.name)],
    },
    { onDisk: true },
  )
}

/**
 * Saves into a new store in each round. An earlier small save creates the store, so that only one save is measured.
 */
function savingOnFreshStore(
  bench: Bench,
  sample: Sample,
  files: Readonly<Record<string, string | Uint8Array>>,
  options: { readonly requireFinite?: boolean } = {},
): Contender {
  let store: CheckpointStore | undefined
  const current = (): CheckpointStore => {
    if (store === undefined) throw new Error('No store has been opened')
    return store
  }
  return {
    name: 'Holdfast',
    prepare: async () => {
      await store?.close()
      store = await openStore(await bench.fresh('store'), { mode: 'shared' })
      await store.save({ step: 0, files: { 'first.bin': randomBytes(16) } })
    },
    run: async () => {
      await current().save({ step: 1, files, ...options })
      return undefined
    },
    verify: async () => {
      const { path, sha256 } = await newestFile(current())
      assertEqual(sha256, sample.sha256, 'The digest in the manifest')
      await assertSame(path, sample)
    },
  }
}

function machine(bench: Bench, sample: Sample): readonly Contender[] {
  let to = ''
  let digest = ''
  return [
    {
      name: copying,
      prepare: async () => {
        to = await bench.fresh('copied.bin')
      },
      run: () => copyAndSync(sample.path, to),
      verify: () => assertSame(to, sample),
    },
    {
      name: digesting,
      prepare: () => bench.remove(to),
      run: async () => {
        digest = await opensslDigest(sample.path)
        return undefined
      },
      verify: async () => {
        assertEqual(digest, sample.sha256, 'The digest that openssl prints')
      },
    },
  ]
}

async function copyingByRclone(bench: Bench, sample: Sample): Promise<readonly Contender[]> {
  const rclone = await rcloneCopies()
  if (rclone === undefined) {
    bench.leaveOut(synced, 'rclone is not on the PATH')
    return []
  }
  let to = ''
  return [
    {
      name: synced,
      prepare: async () => {
        to = await bench.fresh('copied-by-rclone.bin')
      },
      run: async () => {
        await rclone.file(sample.path, to)
        await syncFile(to)
        return undefined
      },
      verify: () => assertSame(to, sample),
    },
  ]
}

function scriptedSave(bench: Bench, sample: Sample): Contender {
  let to = ''
  return {
    name: scripted,
    prepare: async () => {
      to = join(await bench.freshFolder('by-script'), 'model.bin')
    },
    run: () => saveByHand(sample.path, to),
    verify: () => assertSame(to, sample),
  }
}
