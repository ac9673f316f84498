import childProcess, { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { HoldfastError } from '@holdfast/core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { runProgram } from '../src/index.ts'
import { breakFolder, breakRenames } from './broken-folder.ts'
import { Runs } from './run-harness.ts'
import { shellLayout } from './shell-program.ts'

/** Lets every save fail until it is called again. */
function fillUp({ backend }: Runs): () => void {
  const put = backend.put.bind(backend)
  backend.put = async () => {
    throw new HoldfastError('INSUFFICIENT_SPACE', 'The disk is full.')
  }
  return () => {
    backend.put = put
  }
}

describe('the report of a run', () => {
  test('has the checkpoints that could not be saved', async () => {
    const runs = await Runs.begin()
    fillUp(runs)
    const report = await runs.run('save 1')
    expect(report).toMatchObject({
      exitCode: 0,
      unsaved: [{ name: 'step_1', error: { code: 'INSUFFICIENT_SPACE' } }],
    })
  })

  test('does not have a checkpoint that the program has deleted since', async () => {
    const runs = await Runs.begin()
    const empty = fillUp(runs)
    const script = `mkfifo "$out/.go"; save 1; read _ < "$out/.go"; rm -r "$out/step_1"; save 2`
    const report = await runs.run(script, {}, ({ type }) => {
      if (type !== 'failed') return
      empty()
      writeFileSync(runs.path('.go'), '\n')
    })
    expect(report).toMatchObject({ exitCode: 0, unsaved: [] })
    expect(await runs.steps()).toEqual([2])
  })

  test('does not have a checkpoint that a later one has overtaken', async () => {
    const runs = await Runs.begin()
    const script = 'mkdir "$out/step_1"; : > "$out/step_1/.holdfast-x"; save 1; save 2' // a name that no save accepts
    const report = await runs.run(script)
    expect(report).toMatchObject({ exitCode: 0, unsaved: [] })
    // A save that fails while the program runs is tried again when the program ends.
    const failures = runs.told('failed').map(({ name, error }) => `${name}: ${error.code}`)
    expect(new Set(failures)).toEqual(new Set(['step_1: INVALID_ARGUMENT']))
    expect(await runs.steps()).toEqual([2])
    expect(await runs.run(':')).toMatchObject({ exitCode: 0, unsaved: [] })
  })

  test('has the last ending of a program that was not started again', async () => {
    const runs = await Runs.begin()
    const report = await runs.run('exit 3', { restartDelay: 60_000 }, ({ type }) => {
      if (type === 'restarting') runs.signals.send('SIGTERM')
    })
    expect(report).toMatchObject({
      exitCode: 143,
      ending: { kind: 'exited', code: 3 },
      restarts: 0,
    })
  })
})

describe('a folder that cannot be read', () => {
  const lastWords = 'save 1; : > "$out/.last"'

  test('when the program has ended is tried again, and the program keeps its exit code', async () => {
    const runs = await Runs.begin()
    let failures = 0
    breakFolder(runs.folder, () => {
      if (failures === 2 || !existsSync(runs.path('.last'))) return undefined
      failures += 1
      return 'EIO'
    })
    const report = await runs.run(lastWords)
    expect(report).toMatchObject({ exitCode: 0, unsaved: [], folderError: undefined })
    expect(failures).toBe(2)
    expect(await runs.steps()).toEqual([1])
  })

  test('and that no retry helps is reported beside the exit code of the program', async () => {
    const runs = await Runs.begin()
    breakFolder(runs.folder, () => (existsSync(runs.path('.last')) ? 'EACCES' : undefined))
    const report = await runs.run(lastWords)
    expect(report).toMatchObject({ exitCode: 0, folderError: { code: 'PERMISSION_DENIED' } })
  })

  test('is tried again soon, whatever failed before it could be read', async () => {
    const runs = await Runs.begin()
    let looks = 0
    breakFolder(runs.folder, () => {
      if (runs.told('started').length === 0 || runs.told('notReady').length === 2) return undefined
      looks += 1
      // The first scan looks twice: for checkpoints, and for interrupted deletions. A later one looks once.
      return looks === 1 || looks === 4 ? 'EIO' : undefined
    })
    await runs.run('hang', {}, ({ type }) => {
      if (type === 'notReady' && runs.told('notReady').length === 2) runs.signals.send('SIGTERM')
    })
    expect(runs.told('notReady').map(({ retryIn }) => retryIn)).toEqual([1_000, 1_000])
  })
})

describe('a folder that cannot be given up', () => {
  /** Puts a folder in the place of the claim, which can then be neither read nor removed. */
  function replaceClaim(runs: Runs): void {
    const path = runs.path('.holdfast-run.json')
    rmSync(path)
    mkdirSync(path)
  }

  test('is reported beside the exit code of the program', async () => {
    const runs = await Runs.begin()
    const report = await runs.run('exit 4', { restarts: 0 }, ({ type }) => {
      if (type === 'ended') replaceClaim(runs)
    })
    expect(report).toMatchObject({ exitCode: 4, folderError: { code: 'INVALID_ARGUMENT' } })
  })

  test('does not hide the error that ended the run', async () => {
    const runs = await Runs.begin()
    const running = runProgram(runs.store, runs.folder, ['/no/such/program'], {
      layout: shellLayout,
      signals: runs.signals,
      onEvent: ({ type }) => {
        if (type === 'nothingToRestore') replaceClaim(runs)
      },
    })
    await expect(running).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      reason: expect.stringContaining('There is no program /no/such/program') as unknown,
    })
  })
})

test('a run records its program before it looks at the folder, because both change the claim', async () => {
  const runs = await Runs.begin()
  const looksAfter: (string | undefined)[] = []
  breakFolder(runs.folder, () => {
    looksAfter.push(runs.events.at(-1)?.type)
    return undefined
  })
  await runs.run('save 1')
  expect(looksAfter).toContain('started')
  expect(looksAfter).not.toContain('nothingToRestore')
})

test.each([
  ['says that its last restart has failed', 1, [{ type: 'gaveUp', restarts: 1 }]],
  ['says nothing of restarts if it may not restart its program', 0, []],
] as const)('a run %s', async (_, restarts, told) => {
  const runs = await Runs.begin()
  expect(await runs.run('exit 3', { restarts })).toMatchObject({ exitCode: 3, restarts })
  expect(runs.told('gaveUp')).toEqual(told)
})

test('a program runs on that cannot be recorded, and is recorded later', async () => {
  const runs = await Runs.begin()
  execFileSync('mkfifo', [runs.path('../go')])
  const claim = runs.path('.holdfast-run.json')
  let failures = 0
  breakRenames(claim, () => {
    if (failures > 0 || runs.told('nothingToRestore').length === 0) return undefined
    failures += 1
    return 'ENOSPC'
  })
  let recorded: unknown
  const report = await runs.run('read _ < "$out/../go"; save 1', {}, (event) => {
    if (event.type === 'notRecorded') writeFileSync(runs.path('../go'), '\n')
    if (event.type === 'ended') recorded = JSON.parse(readFileSync(claim, 'utf8'))
  })
  expect(report).toMatchObject({ exitCode: 0, restarts: 0 })
  expect(await runs.steps()).toEqual([1])
  const [started] = runs.told('started')
  expect(runs.told('notRecorded')).toMatchObject([
    { pid: started?.pid, error: { code: 'INSUFFICIENT_SPACE' } },
  ])
  expect(recorded).toMatchObject({ program: { pid: started?.pid } })
})

test.each(['EAGAIN', 'ENOMEM'])('a run waits if the machine answers a restart with %s', async (code) => {
  const runs = await Runs.begin()
  const { spawn } = childProcess
  let isShort = false
  childProcess.spawn = new Proxy(spawn, {
    apply: (target, self, given: readonly unknown[]): unknown => {
      if (!isShort) return Reflect.apply(target, self, given)
      isShort = false
      throw Object.assign(new Error(`spawn ${code}`), { code })
    },
  })
  syncBuiltinESMExports()
  onTestFinished(() => {
    childProcess.spawn = spawn
    syncBuiltinESMExports()
  })
  const script = 'if [ -e "$out/../was" ]; then save 1; else : > "$out/../was"; exit 3; fi'
  const report = await runs.run(script, {}, ({ type }) => {
    if (type === 'restarting') isShort = true
  })
  expect(report).toMatchObject({ exitCode: 0, restarts: 1 })
  expect(runs.told('notReady')).toMatchObject([{ error: { code: 'UNAVAILABLE' } }])
  expect(await runs.steps()).toEqual([1])
})

test('a run announces the unsaved checkpoint from which its program continues', async () => {
  const runs = await Runs.begin()
  await runs.run('save 1')
  await mkdir(runs.path('step_3'))
  await writeFile(runs.path('step_3/model.bin'), 'weights 3\n')
  await writeFile(runs.path('step_3/DONE'), '')
  await runs.run('save 4 "from $(last)"')
  expect(runs.told('inPlace')).toEqual([{ type: 'inPlace', step: 3, isSaved: false }])
  expect(await runs.text('step_4/model.bin')).toBe('weights 4 from 3')
  expect(await runs.steps()).toEqual([1, 3, 4])
})

test('a run claims its folder again after the program has emptied it', async () => {
  const runs = await Runs.begin()
  for (const name of ['../go', '../on']) execFileSync('mkfifo', [runs.path(name)])
  const script = `
    read _ < "$out/../go"; rm -rf "$out"; mkdir "$out"; save 1
    read _ < "$out/../on"; save 2`
  const isClaimed: boolean[] = []
  await runs.run(script, {}, (event) => {
    if (event.type === 'started') writeFileSync(runs.path('../go'), '\n')
    if (event.type !== 'adopted') return
    isClaimed.push(existsSync(runs.path('.holdfast-run.json')))
    if (event.saved.step === 1) writeFileSync(runs.path('../on'), '\n')
  })
  expect(isClaimed).toEqual([false, true])
})

test('a program that empties its folder when it starts is started again after a failure', async () => {
  const runs = await Runs.begin()
  execFileSync('mkfifo', [runs.path('../go')])
  const script = `
    if [ ! -e "$out/../emptied" ]; then
      read _ < "$out/../go"
      : > "$out/../emptied"; rm -rf "$out"; mkdir "$out"; save 1; exit 3
    fi
    save 2`
  const report = await runs.run(script, {}, ({ type }) => {
    if (type === 'started' && runs.told('started').length === 1) writeFileSync(runs.path('../go'), '\n')
  })
  expect(report).toMatchObject({ exitCode: 0, restarts: 1 })
  expect(await runs.steps()).toEqual([1, 2])
})
