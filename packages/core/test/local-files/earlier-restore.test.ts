import { execFile } from 'node:child_process'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { hiddenPrefix } from '../../src/local-files/delivery/hidden-folder.ts'
import { deliverToDirectory } from '../../src/local-files/delivery/to-directory.ts'
import { temporaryFolder } from '../stores.ts'
import { countedDeliveries, plain } from './deliveries.ts'
import { gated, systemError } from './gated.ts'

const restorer = fileURLToPath(new URL('killed-restorer.ts', import.meta.url))
const files = 100
const fileBytes = 100_000

/** Runs a restore that is killed when it has opened some files. Returns the files that it had written completely. */
async function killedRestore(to: string, opens = 90): Promise<readonly string[]> {
  const ended = await new Promise((resolve) => {
    const child = execFile(process.execPath, [restorer, to, String(opens)], () => {
      resolve(child.signalCode)
    })
  })
  expect(ended).toBe('SIGKILL')
  const [hidden = ''] = await hiddenIn(to)
  const written = (await readdir(join(to, hidden))).filter((name) => name.startsWith('new-'))
  const sizes = await Promise.all(
    written.map(async (name) => {
      const path = join(to, hidden, name)
      return { path, size: (await stat(path)).size }
    }),
  )
  return sizes.filter(({ size }) => size === fileBytes).map(({ path }) => path)
}

async function hiddenIn(to: string): Promise<readonly string[]> {
  return (await readdir(to)).filter((name) => name.startsWith(hiddenPrefix))
}

/** Restores the files, and returns how many were opened. */
async function restore(
  to: string,
  { seed = 0, fileSystem = gated(() => undefined), onProgress = (_: number): void => undefined } = {},
): Promise<number> {
  let opened = 0
  const deliveries = countedDeliveries(files, (count) => (opened = count), seed)
  await deliverToDirectory(to, deliveries, { ...plain, onProgress }, fileSystem)
  expect(await readdir(to)).toHaveLength(files)
  const restored = await readFile(join(to, 'shard-99'))
  expect(restored.equals(Buffer.alloc(fileBytes, `${seed} 99 `))).toBe(true)
  return opened
}

describe('a restore after one of the same files was killed', () => {
  test('opens only the files that are missing, and counts the others as progress', async () => {
    const to = await temporaryFolder()
    const written = await killedRestore(to)
    expect(written.length).toBeGreaterThanOrEqual(70)
    const reported: number[] = []
    expect(await restore(to, { onProgress: (bytes) => reported.push(bytes) })).toBe(files - written.length)
    expect(reported.at(-1)).toBe(files * fileBytes)
    expect(reported).toEqual(reported.toSorted((one, other) => one - other))
  })

  test('opens a file again of which a byte was flipped', async () => {
    const to = await temporaryFolder()
    const written = await killedRestore(to)
    const [path = ''] = written
    const content = await readFile(path)
    content[7] = (content[7] ?? 0) ^ 1
    await writeFile(path, content)
    expect(await restore(to)).toBe(files - written.length + 1)
  })

  test('opens all files if they are others', async () => {
    const to = await temporaryFolder()
    await killedRestore(to)
    expect(await restore(to, { seed: 1 })).toBe(files)
  })

  test('opens all files if the file system has no hard links', async () => {
    const to = await temporaryFolder()
    await killedRestore(to)
    const fileSystem = gated((method) => {
      if (method === 'link') throw systemError('EPERM')
    })
    expect(await restore(to, { fileSystem })).toBe(files)
  })

  test('continues what several killed restores have written', async () => {
    const to = await temporaryFolder()
    const first = await killedRestore(to)
    const second = await killedRestore(to, 3)
    expect(second.length).toBeGreaterThanOrEqual(first.length)
    expect(await restore(to)).toBe(files - second.length)
  })
})
