import * as promises from 'node:fs/promises'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MemoryBackend } from '../../src/index.ts'
import type { ManifestFile } from '../../src/catalog/documents/index.ts'
import { sha256Hex } from '../../src/integrity/index.ts'
import { identityOf, writeIdentity } from '../../src/local-files/delivery/earlier-restore.ts'
import { hiddenPrefix } from '../../src/local-files/delivery/hidden-folder.ts'
import { newFile } from '../../src/local-files/delivery/journal.ts'
import { thisProcess } from '../../src/local-files/process-identity.ts'
import { type PackRead, planReads } from '../../src/store/attempts/packs/plan-reads.ts'
import { storeOn, temporaryFolder } from '../stores.ts'
import { readTree } from '../trees.ts'
import { countPackReads } from './count-pack-reads.ts'
import { startJob } from './ranks/job.ts'

const [kib, mib] = [2 ** 10, 2 ** 20]

/** A file in a pack, which only its offset, its size and its name distinguish from others. */
function packed(name: string, object: string, offset: number, size: number): ManifestFile {
  return { name, object, offset, size, sha256: '0'.repeat(64) }
}

/** Files of several packs in one list, each behind the files of its pack that come before it. */
function alternating(
  files: readonly { readonly pack: number; readonly gap: number; readonly size: number }[],
): readonly ManifestFile[] {
  const ends = new Map<number, number>()
  return files.map(({ pack, gap, size }, index) => {
    const offset = (ends.get(pack) ?? 0) + gap
    ends.set(pack, offset + size)
    return packed(String(index), `pack ${pack}`, offset, size)
  })
}

/** Returns the bytes of the reads that are in memory when a file is opened, at its largest. */
function mostBytesHeld(files: readonly ManifestFile[], reads: readonly PackRead[]): number {
  const spans = reads.map(({ start, end, files: together }) => ({
    first: files.findIndex((file) => file === together[0]),
    last: files.findIndex((file) => file === together.at(-1)),
    bytes: end - start,
  }))
  const held = files.map((_, index) =>
    spans.reduce((sum, { first, last, bytes }) => (first <= index && index <= last ? sum + bytes : sum), 0),
  )
  return Math.max(0, ...held)
}

describe('the plan of reads', () => {
  test('reads at most twice the wanted bytes, 4 MiB at once, and each file once', () => {
    const file = fc.record({
      object: fc.constantFrom('p', 'q'),
      offset: fc.integer({ min: 0, max: 12 * mib }),
      size: fc.integer({ min: 0, max: 5 * mib }),
    })
    fc.assert(
      fc.property(fc.array(file, { maxLength: 60 }), (given) => {
        const files = given.map(({ object, offset, size }, index) =>
          packed(String(index), object, offset, size),
        )
        const reads = planReads(files)
        const inOrder = reads
          .flatMap((read) => read.files)
          .toSorted((one, other) => Number(one.name) - Number(other.name))
        expect(inOrder).toEqual(files.filter(({ size }) => size <= 4 * mib))
        const firsts = reads.map((read) => Number(read.files[0]?.name))
        expect(firsts).toEqual(firsts.toSorted((one, other) => one - other))
        for (const { object, start, end, files: together } of reads) {
          expect(end - start).toBeLessThanOrEqual(4 * mib)
          expect(end - start).toBeLessThanOrEqual(2 * together.reduce((sum, { size }) => sum + size, 0))
          for (const each of together) {
            expect(each.object).toBe(object)
            expect(each.offset).toBeGreaterThanOrEqual(start)
            expect(each.offset + each.size).toBeLessThanOrEqual(end)
          }
        }
      }),
    )
  })

  test.each([
    [2, 1],
    [8, 64],
    [32, 64],
    [64, 64],
  ])('needs few reads for files of %i packs that alternate, of %i KiB each', (packs, size) => {
    const files = alternating(
      Array.from({ length: 4096 }, (_, index) => ({ pack: index % packs, gap: 0, size: size * kib })),
    )
    // Each read has the files of its pack in 8 MiB of the list, or all of them.
    const filesOfRead = Math.min(4096 / packs, (8 * mib) / (packs * size * kib))
    expect(planReads(files)).toHaveLength(4096 / filesOfRead)
  })

  test('holds at most 32 MiB, however the packs alternate', () => {
    const file = fc.record({
      pack: fc.nat({ max: 11 }),
      gap: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: mib })),
      size: fc.oneof(fc.integer({ min: 0, max: 64 * kib }), fc.integer({ min: 0, max: 5 * mib })),
    })
    fc.assert(
      fc.property(fc.array(file, { maxLength: 300 }), (given) => {
        const files = alternating(given)
        expect(mostBytesHeld(files, planReads(files))).toBeLessThanOrEqual(32 * mib)
      }),
    )
    // Each pack has a small file at the beginning of the list, and all others together later.
    const small = Array.from({ length: 100 }, (_, pack) => ({ pack, gap: 0, size: 1 }))
    const large = small.flatMap(({ pack }) =>
      Array.from({ length: 64 }, () => ({ pack, gap: 0, size: 64 * kib })),
    )
    const files = alternating([...small, ...large])
    expect(mostBytesHeld(files, planReads(files))).toBeLessThanOrEqual(16 * mib)
  })
})

describe('reading packs', () => {
  /** A store with 200 packed files, of which every second one has 64 KiB and each other one 4 KiB. */
  async function storeWithPacks() {
    const backend = new MemoryBackend()
    const store = storeOn(backend, { packs: 'always' })
    const files = Array.from({ length: 200 }, (_, index) => ({
      name: `${String(index).padStart(3, '0')}.bin`,
      bytes: Buffer.alloc((index % 2 === 0 ? 64 : 4) * kib, `${index} `),
    }))
    await store.save({ step: 1, files: Object.fromEntries(files.map(({ name, bytes }) => [name, bytes])) })
    return { backend, store, files }
  }

  /** Leaves a restore that had written some files when its process was killed. */
  async function leaveRestore(
    to: string,
    files: readonly { readonly name: string; readonly bytes: Uint8Array }[],
    isWritten: (index: number) => boolean,
  ): Promise<void> {
    const { machine } = await thisProcess()
    const pid = 2 ** 22 + 1 // above the largest process id of Linux
    const hidden = join(to, `${hiddenPrefix}${machine}-${pid}-1-0123456789ab`)
    await mkdir(hidden)
    await writeFile(join(hidden, 'alive'), '.')
    const facts = files.map(({ name, bytes }) => ({ name, size: bytes.byteLength, sha256: sha256Hex(bytes) }))
    await writeIdentity(promises, hidden, identityOf(facts) ?? '')
    for (const [index, { bytes }] of files.entries())
      if (isWritten(index)) await writeFile(join(hidden, newFile(index)), bytes)
  }

  test.each([
    ['large', 0, { reads: 100, bytes: 100 * 4 * kib }],
    ['small', 1, { reads: 2, bytes: 6792 * kib }],
  ])('reads only missing files after a killed restore wrote the %s ones', async (_, parity, expected) => {
    const { backend, store, files } = await storeWithPacks()
    const to = await temporaryFolder()
    await leaveRestore(to, files, (index) => index % 2 === parity)
    const counted = countPackReads(backend)
    await store.restore(1, { to })
    expect(counted).toMatchObject(expected)
    expect(await readTree(to)).toEqual(
      Object.fromEntries(files.map(({ name, bytes }) => [name, bytes.toString()])),
    )
  })

  test('begins further reads while the files of one are used', async () => {
    const backend = new MemoryBackend()
    const store = storeOn(backend, { packs: 'always' })
    const files = Array.from({ length: 40 }, (_, index) => [`${index}.bin`, Buffer.alloc(mib - 1)] as const)
    await store.save({ step: 1, files: Object.fromEntries(files) })
    const counted = countPackReads(backend)
    expect((await store.verify()).good).toBe(true)
    expect(counted.most).toBe(4)
  })

  test('needs few reads for a joint checkpoint whose ranks have alternating names', async () => {
    const backend = new MemoryBackend()
    const ranks = startJob(backend, 4)
    const filesOf = (rank: number): Record<string, Uint8Array> =>
      Object.fromEntries(
        Array.from({ length: 100 }, (_, layer) => [
          `layer.${String(layer).padStart(3, '0')}/rank-${rank}`,
          Buffer.from(`layer ${layer} of rank ${rank}`),
        ]),
      )
    await Promise.all(
      ranks.map((store, rank) => store.save({ step: 1, files: filesOf(rank), packs: 'always' })),
    )
    const counted = countPackReads(backend)
    const alone = storeOn(backend, { mode: 'shared' })
    expect((await alone.verify()).good).toBe(true)
    expect(counted.reads).toBe(4)
    const to = await temporaryFolder()
    await alone.restore(1, { to })
    expect(counted.reads).toBe(8)
    expect(Object.keys(await readTree(to))).toHaveLength(400)
  })
})
