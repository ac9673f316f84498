import type { StatsFs } from 'node:fs'
import * as promises from 'node:fs/promises'
import { join } from 'node:path'
import { CheckpointStore } from '@holdfast/core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { FileBackend, type FileSystem } from '../src/index.ts'
import { everythingIn, temporaryFolder } from './folders.ts'
import { systemError } from './recording.ts'

/** A disk of 1 GB, of which a quarter is free, and half of that for an unprivileged user. */
const disk = {
  type: 0xef53,
  bsize: 4096,
  frsize: 4096,
  blocks: 250_000,
  bfree: 62_500,
  bavail: 31_250,
  files: 0,
  ffree: 0,
}

const available = 31_250 * 4096
const total = (250_000 - 62_500 + 31_250) * 4096

async function backendOn(
  statfs: () => Promise<object>,
): Promise<{ readonly root: string; readonly backend: FileBackend }> {
  const root = await temporaryFolder()
  const fileSystem: FileSystem = { ...promises, statfs: statfs as unknown as FileSystem['statfs'] }
  return { root, backend: new FileBackend(join(root, 'store'), { fileSystem }) }
}

async function freeSpaceOf(stats: Partial<StatsFs>) {
  const { backend } = await backendOn(async () => ({ ...disk, ...stats }))
  return backend.freeSpace()
}

/** The type that all FUSE file systems report on Linux, including virtiofs. */
const fuse = 0x65735546

describe('the free space', () => {
  test('is counted in blocks, and not in preferred transfer sizes', async () => {
    expect(await freeSpaceOf({ bsize: 2 ** 20 })).toEqual({ kind: 'measured', available, total })
  })

  test.each([undefined, 0])('is counted in units of bsize if frsize is %s', async (frsize) => {
    const { backend } = await backendOn(async () => ({ ...disk, frsize }))
    expect(await backend.freeSpace()).toEqual({ kind: 'measured', available, total })
  })

  test('is unknown on FUSE if Node.js reports only a large transfer size', async () => {
    const { backend } = await backendOn(async () => ({
      ...disk,
      type: fuse,
      bsize: 2 ** 20,
      frsize: undefined,
    }))
    expect(await backend.freeSpace()).toEqual({ kind: 'unknown' })
  })

  test('is unknown if the file system reports no blocks', async () => {
    expect(await freeSpaceOf({ blocks: 0, bfree: 0, bavail: 0 })).toEqual({ kind: 'unknown' })
  })

  test.each(['ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'])('is unknown if statfs fails with %s', async (code) => {
    const { backend } = await backendOn(() => Promise.reject(systemError(code)))
    expect(await backend.freeSpace()).toEqual({ kind: 'unknown' })
  })
})

test('a save is tried if the free space is unknown', async () => {
  const { root, backend } = await backendOn(async () => ({ ...disk, blocks: 0, bfree: 0, bavail: 0 }))
  const store = new CheckpointStore(backend, { space: { refuseBelow: '5%', makeRoom: true } })
  onTestFinished(() => store.close())
  await store.save({ step: 1, files: { a: Buffer.from('a') } })
  expect((await store.verify()).good).toBe(true)
  const diagnoses = await store.doctor()
  expect(diagnoses.find(({ check }) => check === 'free space')).toMatchObject({
    verdict: 'warning',
    finding: expect.stringContaining('does not report its free space') as string,
  })
  expect(await everythingIn(root)).toContain('store')
})

test('a put that finds no space rejects with that reason, also if the space cannot be measured', async () => {
  const root = await temporaryFolder()
  const backend = new FileBackend(root, {
    fileSystem: {
      ...promises,
      rename: () => Promise.reject(systemError('ENOSPC')),
      statfs: (() => Promise.reject(systemError('EIO'))) as FileSystem['statfs'],
    },
  })
  await expect(backend.put('a/file', Buffer.from('x'))).rejects.toMatchObject({ code: 'INSUFFICIENT_SPACE' })
  expect(await everythingIn(root)).toEqual([])
})

test.each([
  [4096, 'the file system has no inodes left'],
  [0, 'the file system has no space and no inodes left'],
])('a put that finds no inodes, and %i free blocks, names what is used up', async (bavail, lack) => {
  const backend = new FileBackend(await temporaryFolder(), {
    fileSystem: {
      ...promises,
      rename: () => Promise.reject(systemError('ENOSPC')),
      statfs: (async () => ({ ...disk, bavail, files: 1000 })) as unknown as FileSystem['statfs'],
    },
  })
  await expect(backend.put('a/file', Buffer.from('x'))).rejects.toThrow(lack)
})
