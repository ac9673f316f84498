import * as promises from 'node:fs/promises'
import { mkdir, mkdtemp, readdir, writeFile } from 'node:fs/promises'
import { ChildProcess } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { consume } from '../src/adoption/consume.ts'
import { type Disk, diskOn } from '../src/disk.ts'
import { takeSnapshot } from '../src/folder/snapshot.ts'
import { FolderClaim } from '../src/supervisor/claim.ts'
import { Program } from '../src/supervisor/program.ts'
import { makeAsideFolder, setAside } from '../src/supervisor/set-aside.ts'

/** The disk of this machine on Windows, where a scanner holds a file during every second change of its name. */
function scannedDisk(): Disk {
  let calls = 0
  const held = async (change: () => Promise<void>): Promise<void> => {
    calls += 1
    if (calls % 2 === 1) throw Object.assign(new Error('EBUSY'), { code: 'EBUSY' })
    await change()
  }
  return diskOn('win32', {
    ...promises,
    rename: (from, to) => held(() => promises.rename(from, to)),
    rm: (path, options) => held(() => promises.rm(path, options)),
    unlink: (path) => held(() => promises.unlink(path)),
  })
}

async function newFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'holdfast-windows-'))
}

test('a supervisor waits for a scanner when it claims a folder and gives it up', async () => {
  const folder = await newFolder()
  const claim = await FolderClaim.take(folder, scannedDisk())
  await claim.noteRestoring(true)
  await claim.noteRestoring(false)
  expect(await readdir(folder)).toEqual(['.holdfast-run.json'])
  expect(await claim.release()).toBeUndefined()
  expect(await readdir(folder)).toEqual([])
})

test('a supervisor claims a folder on Windows, which cannot sync it', async () => {
  const folder = await newFolder()
  const open: typeof promises.open = async () => {
    throw Object.assign(new Error('EISDIR'), { code: 'EISDIR' })
  }
  await FolderClaim.take(folder, diskOn('win32', promises, open))
  await expect(FolderClaim.take(await newFolder(), diskOn('linux', promises, open))).rejects.toThrow('EISDIR')
})

test('a checkpoint that a scanner holds is set aside', async () => {
  const folder = await newFolder()
  const path = join(folder, 'checkpoint-1')
  await mkdir(path)
  const aside = await makeAsideFolder(folder, new Date(0))
  const moved = await setAside({ name: 'checkpoint-1', path }, aside, scannedDisk())
  expect(moved).toBe(join(aside, 'checkpoint-1.aside'))
  expect(await readdir(aside)).toEqual(['checkpoint-1.aside'])
})

test('the files of an adopted checkpoint that a scanner holds are deleted', async () => {
  const folder = await newFolder()
  const path = join(folder, 'checkpoint_1.safetensors')
  await writeFile(path, 'weights')
  const candidate = { name: 'checkpoint_1.safetensors', path, isFolder: false, captured: { metrics: {} } }
  const snapshot = await takeSnapshot(candidate)
  if (snapshot === undefined) throw new Error('The checkpoint is gone')
  expect(await consume(candidate, snapshot, scannedDisk())).toEqual({ isDeleted: true })
  expect(await readdir(folder)).toEqual([])
})

test.each([
  ['forwards SIGINT to', 'SIGINT', async (program: Program) => program.forward('SIGINT')],
  ['kills', 'SIGKILL', async (program: Program) => program.kill()],
  ['ends', 'SIGTERM', async (program: Program) => program.endGroup(0)],
] as const)(
  'a supervisor %s the program alone on Windows, which has no process groups',
  async (_, signal, end) => {
    const program = await Program.start([process.execPath, '-e', 'setInterval(() => {}, 1000)'], {
      platform: 'win32',
    })
    onTestFinished(() => {
      program.kill()
    })
    expect(await end(program)).not.toBe(false)
    expect(await program.ended).toEqual({ kind: 'signalled', signal })
    expect(program.forward('SIGTERM')).toBe(false)
  },
)

test('a signal that Windows refuses is reported, and nothing is thrown', async () => {
  const program = await Program.start([process.execPath, '-e', 'setInterval(() => {}, 1000)'], {
    platform: 'win32',
  })
  const kill = vi.spyOn(ChildProcess.prototype, 'kill').mockImplementation(function (this: ChildProcess) {
    this.emit('error', Object.assign(new Error('kill EPERM'), { code: 'EPERM' }))
    return false
  })
  expect([program.forward('SIGTERM'), program.kill()]).toEqual([false, false])
  kill.mockRestore()
  program.kill()
  expect(await program.ended).toEqual({ kind: 'signalled', signal: 'SIGKILL' })
})
