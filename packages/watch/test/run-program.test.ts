import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { type HandledSignal, type RunEvent, runProgram } from '../src/index.ts'
import { FolderClaim } from '../src/supervisor/claim.ts'
import { leaveClaim, Runs } from './run-harness.ts'

async function damage({ backend }: Runs, key = ''): Promise<void> {
  await backend.put(key, Buffer.from('damaged'))
}

describe('a run', () => {
  test('saves what the program wrote until its end, and keeps its exit code', async () => {
    const runs = await Runs.begin()
    const report = await runs.run('save 1; save 2; exit 7', { restarts: 0 })
    expect(report).toMatchObject({ exitCode: 7, restarts: 0, unsaved: [], isCutShort: false })
    expect(await runs.steps()).toEqual([1, 2])
    expect(runs.told('nothingToRestore')).toHaveLength(1)
  })

  test('restores the latest checkpoint before the program starts', async () => {
    const runs = await Runs.begin()
    await runs.run('save 1; save 2')
    for (const name of await runs.names()) await rm(runs.path(name), { recursive: true })
    const report = await runs.run('cat "$out/step_2/model.bin" > "$out/seen"; save 3')
    expect(report.exitCode).toBe(0)
    expect(await runs.text('seen')).toBe('weights 2')
    expect(runs.told('restored').map(({ restored }) => restored.step)).toEqual([2])
    expect(await runs.steps()).toEqual([1, 2, 3])
  })

  test('starts a program again that fails, without what it wrote halfway', async () => {
    const runs = await Runs.begin()
    const script = `
      from=$(last)
      case $from in
        '') save 1; save 2; tear 3; kill -9 $$ ;;
        2) save 3; exit 5 ;;
        3) save 4 ;;
      esac`
    const report = await runs.run(script)
    expect(report).toMatchObject({ exitCode: 0, restarts: 2, ending: { kind: 'exited', code: 0 } })
    expect(runs.told('ended').map(({ ending }) => ending)).toEqual([
      { kind: 'signalled', signal: 'SIGKILL' },
      { kind: 'exited', code: 5 },
      { kind: 'exited', code: 0 },
    ])
    expect(runs.told('restarting').map(({ restart, step }) => [restart, step])).toEqual([
      [1, 2],
      [2, 3],
    ])
    expect(runs.told('setAside').map(({ name }) => name)).toEqual(['step_3'])
    expect(await runs.steps()).toEqual([1, 2, 3, 4])
  })

  test('gives up after the last restart, with the exit code of the program', async () => {
    const runs = await Runs.begin()
    expect(await runs.run('exit 9', { restarts: 2 })).toMatchObject({ exitCode: 9, restarts: 2 })
    expect(runs.told('started')).toHaveLength(3)
    expect(await runs.run('kill -9 $$', { restarts: 0 })).toMatchObject({ exitCode: 137 })
  })

  test('ends processes that the program leaves behind before it starts the program again', async () => {
    const runs = await Runs.begin()
    // A process that was killed may stay a zombie, which only /proc distinguishes.
    const script = `
      if [ -e "$out/second" ]; then
        child=$(cat "$out/child")
        kill -0 "$child" 2>/dev/null || exit 0
        [ -d /proc/self ] || exit 3
        case $(cut -d ' ' -f 3 "/proc/$child/stat" 2>/dev/null) in '' | Z | X) exit 0 ;; esac
        exit 3
      fi
      : > "$out/second"
      sleep 1000 & echo $! > "$out/child"; kill -9 $$`
    expect(await runs.run(script)).toMatchObject({ exitCode: 0, restarts: 1 })
  })

  test.each([
    ['a program that does not exist', ['no-such-program'], 'INVALID_ARGUMENT'],
    ['a program below a file', ['/etc/passwd/program'], 'INVALID_ARGUMENT'],
    ['a program whose argument is too long for the system', ['true', 'x'.repeat(2 ** 22)], 'UNAVAILABLE'],
  ])('rejects with a typed error for %s', async (_, command, code) => {
    const runs = await Runs.begin()
    const running = runProgram(runs.store, runs.folder, command, { signals: runs.signals })
    await expect(running).rejects.toMatchObject({ name: 'HoldfastError', code })
    expect(await runs.names()).toEqual([])
  })

  test('refuses a folder in which another run works', async () => {
    const runs = await Runs.begin()
    await FolderClaim.take(runs.folder)
    await expect(runs.run('save 1')).rejects.toMatchObject({ code: 'FENCED' })
  })
})

describe('before the program starts', () => {
  test('what the store does not continue from is set aside', async () => {
    const runs = await Runs.begin()
    await runs.run('save 1; save 2; save 40')
    await saveElsewhere(runs, 8)
    await runs.run('save 9 "from $(last)"')
    expect(runs.told('setAside').map(({ name }) => name)).toEqual(['step_40'])
    expect(await runs.names()).toEqual(['step_1', 'step_2', 'step_8', 'step_9'])
    expect(await runs.text('step_9/model.bin')).toBe('weights 9 from 8')
    expect((await runs.store.get('latest'))?.step).toBe(9)
    const kept = runs.told('setAside')[0]?.to ?? ''
    expect(await readFile(join(kept, 'model.bin'), 'utf8')).toBe('weights 40 \n')
  })

  test('a checkpoint that was never saved is set aside if the store was continued elsewhere', async () => {
    const runs = await Runs.begin()
    await runs.run('save 1')
    await writeCheckpoint(runs, 3)
    await saveElsewhere(runs, 2)
    await runs.run('save 4 "from $(last)"')
    expect(await runs.text('step_4/model.bin')).toBe('weights 4 from 2')
    expect(await runs.steps()).toEqual([1, 2, 4])
  })

  test('what a killed run did not save any more is saved', async () => {
    const runs = await Runs.begin()
    await runs.run('save 1')
    await leaveClaim(runs.folder, false)
    await writeCheckpoint(runs, 3)
    await runs.run('save 4 "from $(last)"')
    expect(await runs.text('step_4/model.bin')).toBe('weights 4 from 3')
    expect(await runs.steps()).toEqual([1, 3, 4])
  })

  test('what a killed run did not save is saved although an older checkpoint was touched', async () => {
    const runs = await Runs.begin()
    await runs.run('save 1; save 2')
    for (const file of ['model.bin', 'DONE']) await chmod(runs.path(`step_1/${file}`), 0o600)
    await runs.run('true')
    await leaveClaim(runs.folder, false)
    await writeCheckpoint(runs, 3)
    await runs.run('save 4 "from $(last)"')
    expect(await runs.text('step_4/model.bin')).toBe('weights 4 from 3')
    expect(await runs.steps()).toEqual([1, 2, 3, 4])
  })

  test('what a killed run did not save after a rewind is saved', async () => {
    const runs = await Runs.begin()
    await runs.run('save 1; save 2; save 3')
    await runs.store.rewind(1)
    await rm(runs.path('step_2'), { recursive: true })
    await runs.run('true')
    await leaveClaim(runs.folder, false)
    await writeCheckpoint(runs, 4)
    await runs.run('save 5 "from $(last)"')
    expect(await runs.text('step_5/model.bin')).toBe('weights 5 from 4')
  })

  test('half an exchange is not taken for a checkpoint', async () => {
    const runs = await Runs.begin()
    await runs.run('save 1')
    await leaveClaim(runs.folder, true)
    await writeCheckpoint(runs, 1, 'half of one, half of the other')
    await runs.run('cat "$out/step_1/model.bin" > "$out/seen"')
    expect(await runs.text('seen')).toBe('weights 1')
    expect(await runs.steps()).toEqual([1])
  })

  test('a file of the same name is set aside before a restore, whatever its format', async () => {
    const runs = await Runs.begin()
    await runs.store.save({ step: 1, files: { 'state.bin': Buffer.from('saved') } })
    await writeFile(runs.path('state.bin'), 'other')
    await runs.run('cat "$out/state.bin" > "$out/seen"')
    expect(await runs.text('seen')).toBe('saved')
    expect(await readFile(runs.told('setAside')[0]?.to ?? '', 'utf8')).toBe('other')
  })

  test('nothing is touched if the folder has the latest checkpoint', async () => {
    const runs = await Runs.begin()
    await runs.run('save 1; save 2')
    await runs.run('save 3')
    expect(runs.told('inPlace').map(({ step }) => step)).toEqual([2])
    expect(runs.told('restored')).toEqual([])
    expect(runs.told('setAside')).toEqual([])
  })

  test.each([
    ['whose newest version is damaged', (runs: Runs, keys: readonly string[]) => damage(runs, keys.at(-1))],
    ['that is lost', async (runs: Runs, keys: readonly string[]) => runs.backend.delete(keys)],
  ])('a catalog %s is rebuilt, and the latest checkpoint is restored', async (_, lose) => {
    const runs = await Runs.begin()
    await runs.run('save 1; save 2')
    for (const name of await runs.names()) await rm(runs.path(name), { recursive: true })
    const versions = await Array.fromAsync(runs.backend.list('catalog/'))
    await lose(
      runs,
      versions.map(({ key }) => key),
    )
    const again = runs.reopened()
    expect(await again.run('cat "$out/step_2/model.bin" > "$out/seen"; save 3')).toMatchObject({
      exitCode: 0,
    })
    expect(await again.text('seen')).toBe('weights 2')
    expect(await again.steps()).toEqual([1, 2, 3])
  })

  test('an older checkpoint is restored in place of a corrupt one', async () => {
    const runs = await Runs.begin()
    await runs.run('save 1; save 2')
    const { files = [] } = (await runs.store.get(2)) ?? {}
    const model = files.find(({ name }) => name.endsWith('model.bin'))
    await runs.backend.put(model?.key ?? '', Buffer.from('damaged'))
    for (const name of await runs.names()) await rm(runs.path(name), { recursive: true })
    await runs.run('save 3 "from $(last)"')
    expect(await runs.text('step_3/model.bin')).toBe('weights 3 from 1')
  })
})

/** Returns the state of a process, which begins with Z if it has ended and nobody has waited for it. */
function stateOf(pid: number): string {
  if (process.platform !== 'linux')
    return execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
  const status = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return status.slice(status.lastIndexOf(')') + 2)
}

describe('a signal', () => {
  test('that asks for a stop reaches the program, and what it then writes is saved', async () => {
    const runs = await Runs.begin()
    const script = `trap 'save 2; exit 0' TERM; save 1; hang`
    const report = await runs.run(script, {}, stopAfter(runs, 'SIGTERM'))
    expect(report).toMatchObject({ exitCode: 0, restarts: 0, stoppedBy: 'SIGTERM', isCutShort: false })
    expect(await runs.steps()).toEqual([1, 2])
  })

  test('that ends the program is its exit code, and it is not started again', async () => {
    const runs = await Runs.begin()
    expect(await runs.run('save 1; hang', {}, stopAfter(runs, 'SIGTERM'))).toMatchObject({ exitCode: 143 })
    expect(await runs.run('save 2; hang', {}, stopAfter(runs, 'SIGINT'))).toMatchObject({ exitCode: 130 })
    expect(await runs.run('save 3; hang', {}, stopAfter(runs, 'SIGUSR1'))).toMatchObject({ exitCode: 138 })
    expect(runs.told('restarting')).toEqual([])
  })

  test.each(['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const)(
    '%s is passed on and stops nothing',
    async (signal) => {
      const runs = await Runs.begin()
      const script = `trap 'save 2; exit 4' ${signal.slice(3)}; if [ -z "$(last)" ]; then save 1; hang; fi; save 3`
      const report = await runs.run(script, {}, stopAfter(runs, signal))
      expect(report).toMatchObject({ exitCode: 0, restarts: 1, stoppedBy: undefined })
      expect(await runs.steps()).toEqual([1, 2, 3])
    },
  )

  test('kills a program that does not end within the grace, and saves what is complete', async () => {
    const runs = await Runs.begin()
    const script = `trap 'save 2' TERM; save 1; hang; hang`
    const report = await runs.run(script, { grace: 15_000 }, stopAfter(runs, 'SIGTERM'))
    expect(report).toMatchObject({ exitCode: 143, isCutShort: false })
    expect(runs.told('killed')).toHaveLength(1)
    expect(await runs.steps()).toEqual([1, 2])
  })

  test('that may not be sent to the program is reported, and what the program writes is saved', async () => {
    const runs = await Runs.begin()
    vi.spyOn(process, 'kill').mockImplementation(() => {
      throw Object.assign(new Error('kill EPERM'), { code: 'EPERM' }) // as for a program that sudo starts
    })
    onTestFinished(() => {
      vi.restoreAllMocks()
    })
    const stop = stopAfter(runs, 'SIGTERM')
    const script = `mkfifo "$out/.go"; save 1; read _ < "$out/.go"; save 2`
    const report = await runs.run(script, {}, (event) => {
      stop(event)
      if (event.type === 'notForwarded') writeFileSync(runs.path('.go'), '\n')
    })
    expect(report).toMatchObject({ exitCode: 0, stoppedBy: 'SIGTERM', unsaved: [] })
    expect(runs.told('notForwarded').map(({ signal }) => signal)).toEqual(['SIGTERM'])
    expect(runs.told('forwarded')).toEqual([])
    expect(await runs.steps()).toEqual([1, 2])
  })

  test('is not reported as refused if the program has just ended', async () => {
    const runs = await Runs.begin()
    const kill = process.kill.bind(process)
    vi.spyOn(process, 'kill').mockImplementation((pid, signal) => {
      if (signal !== 'SIGTERM' || pid < 0) return kill(pid, signal)
      kill(pid, 'SIGKILL')
      while (!stateOf(pid).startsWith('Z'));
      throw Object.assign(new Error('kill EPERM'), { code: 'EPERM' }) // as macOS does for a process that has ended
    })
    onTestFinished(() => {
      vi.restoreAllMocks()
    })
    const report = await runs.run('save 1; hang', {}, stopAfter(runs, 'SIGTERM'))
    expect(report).toMatchObject({ stoppedBy: 'SIGTERM', restarts: 0 })
    expect(runs.told('ended')).toHaveLength(1)
    expect(runs.told('notForwarded')).toEqual([])
  })

  test('ends a run that waits to start the program again', async () => {
    const runs = await Runs.begin()
    const report = await runs.run('exit 1', { restartDelay: 60_000 }, ({ type }) => {
      if (type === 'restarting') runs.signals.send('SIGTERM')
    })
    expect(report).toMatchObject({ exitCode: 143, restarts: 0 })
    expect(runs.told('started')).toHaveLength(1)
  })
})

/** Sends a signal once the first checkpoint of a program is saved. */
function stopAfter(runs: Runs, signal: HandledSignal): (event: RunEvent) => void {
  let isSent = false
  return ({ type }) => {
    if (type !== 'adopted' || isSent) return
    isSent = true
    runs.signals.send(signal)
  }
}

/** As another machine with a folder of its own. */
async function saveElsewhere({ store }: Runs, step: number): Promise<void> {
  const name = `step_${step}`
  const files = { [`${name}/model.bin`]: Buffer.from(`weights ${step}\n`), [`${name}/DONE`]: Buffer.alloc(0) }
  await store.save({ step, files })
}

async function writeCheckpoint(runs: Runs, step: number, text = `weights ${step}`): Promise<void> {
  await mkdir(runs.path(`step_${step}`), { recursive: true })
  await writeFile(runs.path(`step_${step}/model.bin`), `${text}\n`)
  await writeFile(runs.path(`step_${step}/DONE`), '')
}
