import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { diskOn } from '../src/disk.ts'
import { FolderClaim } from '../src/supervisor/claim.ts'
import { temporaryFolder } from './harness.ts'

const claimName = '.holdfast-run.json'

/** Lets another supervisor win the race for the folder. Returns its claim. */
async function takeOver(folder: string): Promise<string> {
  const path = join(folder, claimName)
  const before: unknown = JSON.parse(await readFile(path, 'utf8'))
  const text = JSON.stringify({ ...Object(before), id: 'of another' })
  await writeFile(path, text)
  return text
}

test('a supervisor that loses the race for a folder leaves the claim of the winner', async () => {
  const folder = await temporaryFolder()
  const claim = await FolderClaim.take(folder)
  const ofWinner = await takeOver(folder)
  await expect(claim.noteRestoring(true)).rejects.toMatchObject({ code: 'FENCED' })
  expect(await claim.release()).toBeUndefined()
  expect(await readFile(join(folder, claimName), 'utf8')).toBe(ofWinner)
})

test('a supervisor claims a folder again that was deleted meanwhile', async () => {
  const folder = join(await temporaryFolder(), 'out')
  const claim = await FolderClaim.take(folder)
  await rm(folder, { recursive: true })
  await claim.noteRestoring(true)
  await expect(FolderClaim.take(folder)).rejects.toMatchObject({ code: 'FENCED' })
  await claim.noteRestoring(false)
  expect(await claim.release()).toBeUndefined()
  expect(await readdir(folder)).toEqual([])
})

test('a supervisor leaves a folder deleted that its program deletes, and records the program later', async () => {
  const parent = await temporaryFolder()
  const folder = join(parent, 'out')
  const claim = await FolderClaim.take(folder)
  await rm(folder, { recursive: true })
  await claim.noteProgram(process.ppid)
  expect(await readdir(parent)).toEqual([])
  await claim.noteRestoring(true)
  const record: unknown = JSON.parse(await readFile(join(folder, claimName), 'utf8'))
  expect(record).toMatchObject({ program: { pid: process.ppid } })
})

test('a supervisor that cannot record its program returns why, and records it when it renews its claim', async () => {
  const folder = await temporaryFolder()
  const disk = diskOn()
  let isFull = false
  const claim = await FolderClaim.take(folder, {
    ...disk,
    rename: async (from, to) => {
      if (isFull) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })
      return disk.rename(from, to)
    },
  })
  isFull = true
  expect(await claim.noteProgram(process.ppid)).toMatchObject({ code: 'INSUFFICIENT_SPACE' })
  expect(claim.isBehind).toBe(true)
  expect(await readdir(folder)).toEqual([claimName])
  isFull = false
  await claim.renew()
  expect(claim.isBehind).toBe(false)
  const record: unknown = JSON.parse(await readFile(join(folder, claimName), 'utf8'))
  expect(record).toMatchObject({ program: { pid: process.ppid } })
})

test('a supervisor gives up a folder that was deleted meanwhile', async () => {
  const folder = join(await temporaryFolder(), 'out')
  const claim = await FolderClaim.take(folder)
  await rm(folder, { recursive: true })
  expect(await claim.release()).toBeUndefined()
})

test('a supervisor returns why it cannot give up a folder', async () => {
  const folder = await temporaryFolder()
  const disk = diskOn()
  const claim = await FolderClaim.take(folder, {
    ...disk,
    rm: async (path, options) => {
      if (path === join(folder, claimName)) throw Object.assign(new Error('EROFS'), { code: 'EROFS' })
      return disk.rm(path, options)
    },
  })
  expect(await claim.release()).toMatchObject({ code: 'PERMISSION_DENIED' })
})
