import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { livenessOf, processAt } from '@holdfast/core/backend'
import { expect, onTestFinished, test } from 'vitest'
import { environment, holdfast, main, type Outcome } from './holdfast.ts'

const layout = ['--pattern', 'step_{step}/', '--complete-when', 'DONE', '--quiet-period', '0']

/** A folder with a program that writes checkpoints. `$1` is what it does. */
async function newFolder(script: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-cli-run-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const save =
    'save() { mkdir -p out/step_$1; echo "weights $1" > out/step_$1/model.bin; : > out/step_$1/DONE; }'
  const last = "last() { ls out | sed -n 's/^step_//p' | sort -n | tail -n 1; }"
  await writeFile(join(folder, 'train.sh'), `mkdir -p out\n${save}\n${last}\n${script}\n`)
  return folder
}

const run = ['run', '--store', 'runs', '--watch', 'out', '--restart-delay', '0', ...layout]
const train = ['--', 'sh', 'train.sh', '--json', '--resume', 'out']

test('run prints what it does in sentences, and keeps the exit code of the program', async () => {
  const folder = await newFolder(
    'case $(last) in "") save 1; kill -9 $$ ;; 1) save 2; echo "trained to $(last)"; exit 7 ;; esac',
  )
  const { code, stdout } = await holdfast(folder, ...run, '--restarts', '1', ...train)
  expect(code).toBe(7)
  expect(stdout).toContain('trained to 2\n')
  const lines = stdout.replaceAll(/\d+(\.\d+)? (m?s|min)\b/g, 'a while').split('\n')
  expect(lines.filter((line) => !line.startsWith('trained'))).toEqual([
    'watching out · step_{step}/ with DONE',
    expect.stringContaining('nothing to restore: the store has no checkpoint'),
    'saved step 1 · 10 B in a while · step_1',
    'sh train.sh ended with signal 9 (SIGKILL) after a while · restarting (1 of 1) from step 1',
    'saved step 2 · 10 B in a while · step_2',
    'sh train.sh ended with exit code 7 after a while · gave up after 1 restart',
    '',
  ])
  await rm(join(folder, 'out'), { recursive: true })
  const again = await holdfast(folder, ...run, '--', 'cat', 'out/step_2/model.bin')
  expect(again).toMatchObject({ code: 0 })
  expect(again.stdout).toContain('restored step 2 into out · 10 B in')
  expect(again.stdout).toContain('weights 2\n')
})

const stepsOf = async (folder: string, store: string): Promise<readonly string[]> => {
  const { stdout } = await holdfast(folder, 'ls', '--store', store, '--json')
  return [...stdout.matchAll(/"type":"checkpoint","step":(\d+)/g)].map(([, step]) => step ?? '')
}

test('run copies to the mirror by the end of the program, and prints how far it is', async () => {
  const folder = await newFolder('save 1; save 2')
  const { code, stderr } = await holdfast(folder, ...run, '--mirror', 'backup', ...train)
  expect([code, stderr]).toEqual([0, expect.stringMatching(/^mirror: 2, /m)])
  expect(await stepsOf(folder, 'backup')).toEqual(['1', '2'])
})

test('run continues from the mirror after the disk was lost', async () => {
  const folder = await newFolder(
    'case $(last) in "") save 1; save 2 ;; 2) save 3; cat out/step_2/model.bin ;; esac',
  )
  const mirrored = [...run, '--mirror', 'backup', ...train]
  await holdfast(folder, ...mirrored)
  for (const lost of ['runs', 'out']) await rm(join(folder, lost), { recursive: true })
  const { code, stdout, stderr } = await holdfast(folder, ...mirrored)
  expect([code, stderr]).toEqual([0, expect.stringMatching(/^mirror: 3, /m)])
  expect(stdout).toContain('restored step 2 into out')
  expect(stdout).toContain('weights 2\n')
  expect(await stepsOf(folder, 'backup')).toEqual(['1', '2', '3'])
  expect(await stepsOf(folder, 'runs')).toEqual(['2', '3'])
  const again = await holdfast(folder, ...run, '--mirror', 'backup', '--', 'true')
  expect(again).toMatchObject({ code: 0, stdout: expect.not.stringContaining('restored') as string })
})

/** Runs on a machine, whose store has its name. All machines have one mirror, and begin with an empty folder. */
async function runOn(folder: string, machine: string, ...words: readonly string[]): Promise<Outcome> {
  await rm(join(folder, 'out'), { recursive: true, force: true })
  const where = ['--store', machine, '--mirror', 'backup', '--watch', 'out']
  return holdfast(folder, 'run', ...where, ...words, ...layout, ...train)
}

test('run that comes back to a machine continues from the mirror, and notes that it does not mirror', async () => {
  const folder = await newFolder('n=$(last); save $((${n:-0} + 1))')
  await runOn(folder, 'a')
  await runOn(folder, 'b')
  const back = await runOn(folder, 'a')
  expect(back.code).toBe(0)
  expect(back.stdout).toContain('restored step 2 into out')
  expect(back.stderr).toMatch(/^The mirror belongs to .* pass --take-over-mirror to holdfast run/m)
  expect(back.stderr).toMatch(
    /^mirror: 2, .*\(1 waiting, .*\)\nAnother store has taken the mirror over, .* pass --take-over-mirror /m,
  )
  expect(await stepsOf(folder, 'backup')).toEqual(['1', '2'])
})

test('run notes that another machine has the mirror, and takes it with --take-over-mirror', async () => {
  const folder = await newFolder('n=$(last); save $((${n:-0} + 1))')
  await runOn(folder, 'a')
  await mkdir(join(folder, 'other/step_2'), { recursive: true })
  for (const name of ['model.bin', 'DONE']) await writeFile(join(folder, 'other/step_2', name), 'weights 2\n')
  const onOther = ['--store', '../b', '--mirror', '../backup']
  await holdfast(join(folder, 'other'), 'restore', 'latest', ...onOther, '--to', '../restored')
  await holdfast(join(folder, 'other'), 'save', 'step_2', '--step', '2', ...onOther)
  const lost = await runOn(folder, 'a')
  expect(lost.code).toBe(0)
  expect(lost.stdout).toContain('restored step 2 into out')
  expect(lost.stderr).toMatch(
    /^The mirror belongs to .* pass --take-over-mirror to holdfast run or holdfast save\./m,
  )
  expect(lost.stderr).toMatch(/^mirror: 2, .*\(1 waiting, .*\)\nAnother store has taken the mirror over, /m)
  expect(await stepsOf(folder, 'backup')).toEqual(['1', '2'])
  const told = await runOn(folder, 'a', '--take-over-mirror')
  expect(told).toMatchObject({ code: 0, stderr: expect.stringMatching(/^mirror: 4, [^(\n]*$/m) as string })
  expect(await stepsOf(folder, 'backup')).toEqual(['1', '2', '3', '4'])
})

test('run starts from the store if the mirror cannot be read, and prints that once', async () => {
  const folder = await newFolder('n=$(last); save $((${n:-0} + 1))')
  await runOn(folder, 'a')
  await writeFile(join(folder, 'backup/holdfast.json'), 'damaged')
  const { code, stdout, stderr } = await runOn(folder, 'a')
  expect([code, stdout]).toEqual([0, expect.stringContaining('restored step 1 into out')])
  expect(stderr.match(/^The mirror could not be read, so its checkpoints are not considered/gm)).toHaveLength(
    1,
  )
})

test('run continues from the mirror with a file that has no number, its metrics and its pin', async () => {
  const folder = await newFolder(
    'cat latest.bin; for n in 1 2; do echo "$n of $$" > latest.bin; sleep 0.5; done',
  )
  const unnumbered = [
    'run',
    '--store',
    'runs',
    '--mirror',
    'backup',
    '--watch',
    '.',
    '--pattern',
    'latest.bin',
  ]
  const mirrored = [...unnumbered, '--quiet-period', '0', '--', 'sh', 'train.sh']
  await holdfast(folder, ...mirrored)
  const before = await stepsOf(folder, 'backup')
  const latest = before.at(-1) ?? ''
  await holdfast(folder, 'attach', latest, '--store', 'runs', '--metric', 'loss=0.5')
  await holdfast(folder, 'pin', latest, '--store', 'runs')
  expect((await holdfast(folder, 'copy', 'runs', 'backup')).code).toBe(0)
  await rm(join(folder, 'runs'), { recursive: true })
  await rm(join(folder, 'latest.bin'))
  const { code, stderr } = await holdfast(folder, ...mirrored)
  expect([code, stderr]).toEqual([0, expect.not.stringContaining('pinned') as string])
  const after = await stepsOf(folder, 'backup')
  expect(after.slice(0, before.length)).toEqual(before)
  expect(after.length).toBeGreaterThan(before.length)
  const shown = await holdfast(folder, 'show', latest, '--store', 'runs', '--json')
  expect(shown.stdout).toContain('"loss":0.5')
  expect(shown.stdout).toContain('"pinned":{')
})

test('run does not start from nothing if the store is empty and the mirror cannot be read', async () => {
  const folder = await newFolder('save 1; echo started')
  await holdfast(folder, ...run, '--mirror', 'backup', ...train)
  for (const lost of ['runs', 'out']) await rm(join(folder, lost), { recursive: true })
  await writeFile(join(folder, 'backup/holdfast.json'), 'damaged')
  const { code, stdout, stderr } = await holdfast(folder, ...run, '--mirror', 'backup', ...train)
  expect([code, stdout.includes('started')]).toEqual([1, false])
  expect(stderr).toContain('nothing shows from where the run continues')
})

test('run does not start from nothing beside checkpoints that are abandoned', async () => {
  const folder = await newFolder('case $(last) in "") save 1; save 2 ;; *) exit 0 ;; esac')
  await holdfast(folder, ...run, ...train)
  await holdfast(folder, 'rewind', '1', '--store', 'runs')
  const data = join(folder, 'runs', 'data')
  for (const name of await readdir(data, { recursive: true })) {
    if (!name.endsWith('model.bin') || (await readFile(join(data, name), 'utf8')) !== 'weights 1\n') continue
    await chmod(join(data, name), 0o600)
    await writeFile(join(data, name), 'weights X\n')
  }
  for (let start = 0; start < 2; start += 1) {
    await rm(join(folder, 'out'), { recursive: true, force: true })
    expect((await holdfast(folder, ...run, ...train)).code).toBe(5)
  }
})

test('run with --json prints only lines of JSON, and the output of the program goes to standard error', async () => {
  const folder = await newFolder('echo "the output"; save 1')
  const { code, stdout, stderr } = await holdfast(folder, ...run, '--json', ...train)
  expect(code).toBe(0)
  expect(stderr).toContain('the output')
  const types = stdout
    .trim()
    .split('\n')
    .map((line) => String(Reflect.get(Object(JSON.parse(line)), 'type')))
  expect(types).toEqual(['layout', 'nothingToRestore', 'started', 'adopted', 'ended', 'result'])
})

test('run refuses a program that does not exist, and a command line without one', async () => {
  const folder = await newFolder('')
  expect(await holdfast(folder, ...run, '--', 'no-such-program')).toMatchObject({ code: 2 })
  expect(await holdfast(folder, ...run)).toMatchObject({ code: 2 })
  expect(await holdfast(folder, 'run', '--store', 'runs', '--', 'true')).toMatchObject({ code: 2 })
})

/** Starts a run, and resolves with its next line of JSON of a type. */
function start(folder: string): {
  readonly child: ChildProcess
  readonly told: (type: string) => Promise<object>
} {
  const child = spawn(process.execPath, [main, ...run, '--json', ...train], {
    cwd: folder,
    env: environment(),
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const told = async (type: string): Promise<object> => {
    for (;;) {
      const { value, done } = await lines.next()
      if (done === true) throw new Error(`The run ended before it printed ${type}.`)
      const line: unknown = JSON.parse(value)
      if (Reflect.get(Object(line), 'type') === type) return Object(line) as object
    }
  }
  return { child, told }
}

test('run is continued by the next one after kill -9, which ends the program of the first', async () => {
  const folder = await newFolder(
    'echo $$ >> pids; case $(last) in "") save 1; sleep 1000 & wait ;; esac; save 2',
  )
  const first = start(folder)
  const exit = once(first.child, 'exit')
  await first.told('adopted')
  first.child.kill('SIGKILL')
  await exit
  const second = start(folder)
  const ended = once(second.child, 'exit')
  const [pid] = (await readFile(join(folder, 'pids'), 'utf8')).split('\n').map(Number)
  expect(await second.told('endingLeftover')).toMatchObject({ pid })
  expect(await second.told('adopted')).toMatchObject({ step: 2 })
  expect((await ended)[0]).toBe(0)
  expect(await livenessOf(await processAt(pid ?? 0))).toBe('ended')
})

test('run opens no debugger on SIGUSR1, and exits with the code of a program that saves on SIGTERM', async () => {
  const folder = await newFolder(
    "trap 'save 2' USR1; trap 'save 3; exit 0' TERM; save 1; while :; do sleep 1000 & wait; done",
  )
  const { child, told } = start(folder)
  const exit = once(child, 'exit')
  await told('adopted')
  child.kill('SIGUSR1')
  expect(await told('adopted')).toMatchObject({ step: 2 })
  child.kill('SIGTERM')
  expect(await told('adopted')).toMatchObject({ step: 3 })
  expect(await exit).toEqual([0, null])
})
