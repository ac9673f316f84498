import { execFile, execFileSync } from 'node:child_process'
import * as promises from 'node:fs/promises'
import { join } from 'node:path'
import { CheckpointStore, openStore } from '@holdfast/core'
import { expect, onTestFinished, test } from 'vitest'
import { FileBackend, type FileSystem } from '../src/index.ts'
import { codeOf } from '@holdfast/conformance/testing'
import { everythingIn, temporaryFolder } from './folders.ts'

async function saved(root: string): Promise<void> {
  await using store = await openStore(root)
  for (const step of [1, 2]) await store.save({ step, files: { a: Buffer.alloc(3_000_000, step) } })
}

test('reads on a file system that is mounted read-only, and rejects writes with PERMISSION_DENIED', async ({
  skip,
}) => {
  const folder = await temporaryFolder()
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=32m', 'tmpfs', folder], { stdio: 'pipe' })
  } catch {
    skip('this user may not mount a file system')
    return
  }
  onTestFinished(() => {
    execFileSync('umount', [folder])
  })
  await saved(join(folder, 'store'))
  execFileSync('mount', ['-o', 'remount,ro', folder])
  await using store = await openStore(join(folder, 'store'))
  expect(await codeOf(store.save({ step: 3, files: { a: Buffer.from('a') } }))).toBe('PERMISSION_DENIED')
  expect(await codeOf(store.pin(1))).toBe('PERMISSION_DENIED')
  expect((await store.verify()).good).toBe(true)
  expect((await store.restore('latest', { to: await temporaryFolder() }))?.step).toBe(2)
})

test('rejects another user with PERMISSION_DENIED, and changes nothing', async ({ skip }) => {
  if (process.getuid?.() !== 0) {
    skip('only root may act as another user')
    return
  }
  const root = join(await temporaryFolder(), 'store')
  await saved(root)
  await promises.chmod(root, 0o700)
  const before = await everythingIn(root)
  const script = `
    const { openStore } = await import(${JSON.stringify(import.meta.resolve('@holdfast/core'))})
    const { adapter } = await import(${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)})
    process.setgid(65534)
    process.setuid(65534)
    const store = await openStore(${JSON.stringify(root)}, { adapters: [adapter] })
    const code = async (call) => call.then(() => 'no error', (error) => error.code)
    console.log(await code(store.list()), await code(store.save({ step: 3, files: { a: Buffer.from('a') } })))`
  const printed = await new Promise<string>((resolve, reject) => {
    execFile(process.execPath, ['--input-type=module', '--eval', script], { cwd: '/' }, (error, stdout) => {
      if (error === null) resolve(stdout)
      else reject(new Error('the script failed', { cause: error }))
    })
  })
  expect(printed.trim()).toBe('PERMISSION_DENIED PERMISSION_DENIED')
  expect(await everythingIn(root)).toEqual(before)
})

test('completes the next save after the store was deleted, and names the lost checkpoints', async () => {
  const root = join(await temporaryFolder(), 'store')
  await using store = await openStore(root)
  for (const step of [1, 2]) await store.save({ step, files: { a: Buffer.alloc(1000, step) } })
  await promises.rm(root, { recursive: true })
  expect(await codeOf(store.list())).toBe('CORRUPT')
  await store.save({ step: 3, files: { a: Buffer.alloc(1000, 3) } })
  expect((await store.restore('latest', { to: await temporaryFolder() }))?.step).toBe(3)
  const report = await store.verify()
  expect(report.checkpoints.map(({ problems }) => problems.length)).toEqual([1, 1, 0])
  expect((await store.repair()).quarantined.map(({ step }) => step)).toEqual([1, 2])
  expect((await store.verify()).good).toBe(true)
})

test('rejects a writer with FENCED if a new owner removes its files', async () => {
  const root = join(await temporaryFolder(), 'store')
  let takeOver = (): Promise<void> => Promise.resolve()
  const rename: FileSystem['rename'] = async (from, to) => {
    if (String(to).includes('data/2-')) await takeOver()
    await promises.rename(from, to)
  }
  const fileSystem = { ...promises, rename }
  await using store = new CheckpointStore(new FileBackend(root, { fileSystem }))
  await store.save({ step: 1, files: { a: Buffer.from('a') } })
  takeOver = async () => {
    await using other = await openStore(root)
    await other.pin(1)
  }
  expect(await codeOf(store.save({ step: 2, files: { a: Buffer.from('a') } }))).toBe('FENCED')
})

test.each(['a symbolic link', 'a pipe', 'a folder'])(
  'refuses to save at once, and names the path, when %s has the next number of the catalog',
  async (kind) => {
    const root = join(await temporaryFolder(), 'store')
    await saved(root)
    await using store = await openStore(root)
    const newest = (await promises.readdir(join(root, 'catalog'))).toSorted().at(-1) ?? ''
    const number = String(Number(newest.slice(0, 16)) + 1).padStart(16, '0')
    const path = join(root, 'catalog', `${number}.json`)
    if (kind === 'a symbolic link') await promises.symlink('/nowhere/at/all', path)
    else if (kind === 'a pipe') execFileSync('mkfifo', [path])
    else await promises.mkdir(path)
    const save = store.save({ step: 3, files: { a: Buffer.from('a') } })
    await expect(save).rejects.toMatchObject({
      code: 'CORRUPT',
      message: expect.stringContaining(`${path} is ${kind}`) as string,
    })
    expect((await store.list()).map(({ step }) => step)).toEqual([1, 2])
  },
)
