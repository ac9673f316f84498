import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { HiddenFolder, hiddenPrefix, refreshEvery } from '../../src/local-files/delivery/hidden-folder.ts'
import { livenessOf, thisProcess } from '../../src/local-files/process-identity.ts'
import { deliverToDirectory } from '../../src/local-files/delivery/to-directory.ts'
import { temporaryFolder } from '../stores.ts'
import { deliveriesOf, plain } from './deliveries.ts'
import { gated, systemError } from './gated.ts'

const hour = 3600
const otherMachine = '0123456789abcdef'

interface Owner {
  readonly machine?: string
  readonly pid?: number
  readonly startedAt?: number
}

/** Creates a hidden folder as a restore of another process would leave it, last refreshed this many seconds ago. */
async function leave(to: string, owner: Owner, secondsAgo = 0): Promise<string> {
  const { machine = otherMachine, pid = process.pid, startedAt = 1 } = owner
  const name = `${hiddenPrefix}${machine}-${pid}-${startedAt}-0123456789ab`
  await mkdir(join(to, name))
  await writeFile(join(to, name, 'alive'), '.')
  await writeFile(join(to, name, 'new-0'), 'half of a file')
  const then = Date.now() / 1000 - secondsAgo
  await utimes(join(to, name, 'alive'), then, then)
  return name
}

async function hiddenAfterRestore(to: string): Promise<readonly string[]> {
  await deliverToDirectory(to, deliveriesOf({ a: 'a' }), plain)
  return (await readdir(to)).filter((name) => name.startsWith(hiddenPrefix))
}

describe('a hidden folder that another restore left', () => {
  test('is removed if its process on this machine has ended', async () => {
    const to = await temporaryFolder()
    const { machine } = await thisProcess()
    await leave(to, { machine, pid: 2 ** 22 + 1 }) // above the largest process id of Linux
    expect(await hiddenAfterRestore(to)).toEqual([])
  })

  test.skipIf(process.platform !== 'linux')(
    'is removed if its process id is in use by another process',
    async () => {
      const to = await temporaryFolder()
      const { machine, startedAt } = await thisProcess()
      await leave(to, { machine, startedAt: startedAt + 1 })
      expect(await hiddenAfterRestore(to)).toEqual([])
    },
  )

  test('is left alone while its process runs, however long it has not been refreshed', async () => {
    const to = await temporaryFolder()
    const name = await leave(to, await thisProcess(), 100 * hour)
    expect(await hiddenAfterRestore(to)).toEqual([name])
  })

  test('of another machine or container is left alone for a day after its last refresh', async () => {
    const to = await temporaryFolder()
    const name = await leave(to, {}, 23 * hour)
    expect(await hiddenAfterRestore(to)).toEqual([name])
  })

  test('of another machine or container is removed a day after its last refresh', async () => {
    const to = await temporaryFolder()
    await leave(to, {}, 25 * hour)
    expect(await hiddenAfterRestore(to)).toEqual([])
  })

  test('is removed by its age if its name has another form', async () => {
    const to = await temporaryFolder()
    const names = ['young', 'old'].map((age) => `${hiddenPrefix}${age}`)
    for (const name of names) await mkdir(join(to, name))
    const then = Date.now() / 1000 - 25 * hour
    await utimes(join(to, `${hiddenPrefix}old`), then, then)
    expect(await hiddenAfterRestore(to)).toEqual([`${hiddenPrefix}young`])
  })

  test('is left alone if this user may not remove it', async () => {
    const to = await temporaryFolder()
    const { machine } = await thisProcess()
    const name = await leave(to, { machine, pid: 2 ** 22 + 1 })
    const fileSystem = gated((method, path) => {
      if (method === 'unlink' && String(path).includes(name)) throw systemError('EACCES')
    })
    await deliverToDirectory(to, deliveriesOf({ a: 'a' }), plain, fileSystem)
    expect((await readdir(to)).toSorted()).toEqual([name, 'a'])
  })

  test('is not a file or a link', async () => {
    const to = await temporaryFolder()
    await writeFile(join(to, `${hiddenPrefix}file`), 'mine')
    await utimes(join(to, `${hiddenPrefix}file`), 0, 0)
    await hiddenAfterRestore(to)
    expect(await readFile(join(to, `${hiddenPrefix}file`), 'utf8')).toBe('mine')
  })
})

test('compares ages by the clock of the file system', async () => {
  const to = await temporaryFolder()
  const name = await leave(to, {}, 1 * hour)
  const now = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 3 * 365 * 24 * hour * 1000)
  expect(await hiddenAfterRestore(to)).toEqual([name])
  now.mockRestore()
})

describe('a hidden folder in use', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  test('is refreshed every minute', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const root = await temporaryFolder()
    const folder = await HiddenFolder.make(
      gated(() => undefined),
      root,
    )
    const alive = join(folder.path, 'alive')
    await utimes(alive, 0, 0)
    vi.advanceTimersByTime(refreshEvery)
    await folder[Symbol.asyncDispose]()
    expect((await stat(alive)).mtimeMs).toBeGreaterThan(Date.now() - hour * 1000)
  })
})

test('counts a killed process as ended before its parent has waited for it', async () => {
  const { machine } = await thisProcess()
  // The shell does not wait for its child, which becomes a zombie process.
  const shell = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'])
  const [output] = (await once(shell.stdout, 'data')) as [Buffer]
  const pid = Number(output.toString())
  const fields = await statFields(pid)
  if (fields !== undefined) {
    const owner = { machine, pid, startedAt: Number(fields[19]) }
    expect(await livenessOf(owner)).toBe('running')
    process.kill(pid, 'SIGKILL')
    await vi.waitUntil(async () => ['Z', undefined].includes((await statFields(pid))?.[0]))
    expect(await livenessOf(owner)).toBe('ended')
  }
  shell.kill('SIGKILL')
  await once(shell, 'close')
})

async function statFields(pid: number): Promise<readonly string[] | undefined> {
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  return line?.slice(line.lastIndexOf(')') + 2).split(' ')
}
