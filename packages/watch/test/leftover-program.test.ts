import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { utimes, writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { processAt, type ProcessIdentity } from '@holdfast/core/backend'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { isProgramRunning, signalGroup } from '../src/supervisor/process-group.ts'
import { leaveClaim, Runs } from './run-harness.ts'

interface LeftProgram {
  readonly child: ChildProcess
  readonly identity: ProcessIdentity
}

/** Starts a program of the shell in a group of its own. Resolves when it has printed a line. */
async function startProgram(script: string): Promise<LeftProgram> {
  const child = spawn('sh', ['-c', script], { detached: true, stdio: ['pipe', 'pipe', 'ignore'] })
  const { pid = 0 } = child
  onTestFinished(() => {
    signalGroup(pid, 'SIGKILL')
  })
  await createInterface(child.stdout)[Symbol.asyncIterator]().next()
  return { child, identity: await processAt(pid) }
}

/** Ends a program that waits for its standard input. Other processes that it started run on. */
async function endItself({ child }: LeftProgram): Promise<void> {
  const exit = once(child, 'exit')
  child.stdin?.end()
  await exit
}

/** Lets no signal reach the program, as if another user ran it. Calling the result ends that. */
function refuseSignals({ child: { pid = 0 } }: LeftProgram): () => void {
  const kill = process.kill.bind(process)
  vi.spyOn(process, 'kill').mockImplementation((target, signal) => {
    if (Math.abs(target) !== pid) return kill(target, signal)
    throw Object.assign(new Error('kill EPERM'), { code: 'EPERM' })
  })
  onTestFinished(() => {
    vi.restoreAllMocks()
  })
  return () => {
    vi.restoreAllMocks()
  }
}

describe('the program of a run that was killed', () => {
  test.skipIf(process.platform !== 'linux')('is ended if only its other processes still run', async () => {
    const runs = await Runs.begin()
    const left = await startProgram('sleep 1000 & echo started; read _')
    await leaveClaim(runs.folder, false, left.identity)
    await endItself(left)
    expect(await isProgramRunning(left.identity)).toBe(true)
    expect(await runs.run('save 1')).toMatchObject({ exitCode: 0 })
    expect(runs.told('endingLeftover')).toMatchObject([{ pid: left.identity.pid }])
    expect(await isProgramRunning(left.identity)).toBe(false)
  })

  test.skipIf(process.platform !== 'linux').each([
    ['is saved if the program itself still ran', false, [7]],
    ['is set aside if only other processes of the program still ran', true, []],
  ])('leaves an old file whose format shows no end, which %s', async (_, hasEnded, steps) => {
    const runs = await Runs.begin()
    await writeFile(runs.path('7.bin'), 'weights')
    await utimes(runs.path('7.bin'), 60, 60)
    const left = await startProgram('sleep 1000 & echo started; read _')
    await leaveClaim(runs.folder, false, left.identity)
    if (hasEnded) await endItself(left)
    await runs.run(':', { layout: { pattern: '{step}.bin' } })
    expect(await runs.steps()).toEqual(steps)
  })

  test('is waited for if it cannot be ended', async () => {
    const runs = await Runs.begin()
    const left = await startProgram('echo started; exec sleep 1000')
    await leaveClaim(runs.folder, false, left.identity)
    const allow = refuseSignals(left)
    const report = await runs.run('save 1', {}, ({ type }) => {
      if (type === 'started') expect(left.child.signalCode).toBe('SIGKILL')
      if (type !== 'waitingForLeftover') return
      allow()
      left.child.kill('SIGKILL')
    })
    expect(report).toMatchObject({ exitCode: 0 })
    expect(runs.told('waitingForLeftover')).toMatchObject([{ pid: left.identity.pid }])
  })

  test('stays on record if the run is stopped before its end', async () => {
    const runs = await Runs.begin()
    const left = await startProgram('echo started; exec sleep 1000')
    await leaveClaim(runs.folder, false, left.identity)
    const allow = refuseSignals(left)
    const stopped = await runs.run('save 1', {}, ({ type }) => {
      if (type === 'waitingForLeftover') runs.signals.send('SIGTERM')
    })
    expect(stopped).toMatchObject({ exitCode: 143, ending: undefined, restarts: 0 })
    expect(runs.told('started')).toEqual([])
    allow()
    expect(await runs.run('save 1')).toMatchObject({ exitCode: 0 })
    expect(runs.told('endingLeftover')).toHaveLength(2)
    expect(await isProgramRunning(left.identity)).toBe(false)
  })
})
