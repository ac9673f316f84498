import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { openStore } from '@holdfast/core'
import { expect, onTestFinished, test, vi } from 'vitest'
import { SavedHook } from '../src/hooks/on-saved.ts'
import { Printer } from '../src/output/printer.ts'
import { plantAdapter } from './failing-adapters.ts'
import { environment, holdfast, holdfastIn, main } from './holdfast.ts'
import { workFolder } from './work-folder.ts'

test('save runs the command with the checkpoint, and its output does not mix with the result', async () => {
  const folder = await workFolder()
  const command = 'cat > saved.json; echo "$HOLDFAST_STEP $HOLDFAST_STORE"'
  const words = [
    'save',
    'w.bin',
    '--step',
    '7',
    '--metric',
    'loss=NaN',
    '-s',
    'store',
    '--json',
    '--on-saved',
    command,
  ]
  const { code, stdout, stderr } = await holdfast(folder, ...words)
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ type: 'result', step: 7 })
  expect(stderr).toMatch(/^7 file:\/\/.*\/store\n$/)
  expect(JSON.parse(await readFile(join(folder, 'saved.json'), 'utf8'))).toMatchObject({
    type: 'saved',
    step: 7,
    bytes: 7,
    metrics: { loss: 'NaN' },
  })
  // The same bytes again are not a new checkpoint.
  await rm(join(folder, 'saved.json'))
  expect((await holdfast(folder, ...words)).code).toBe(0)
  await expect(readFile(join(folder, 'saved.json'))).rejects.toThrow('ENOENT')
})

const location = 'toy://bucket/a?region=x&endpoint=http://minio:9000'

test.each([
  ['the command line', ['-s', location], '', {}],
  ['the environment', [], location, {}],
  ['the configuration file', [], '', { store: location }],
])('the command gets the location of %s with its parameters', async (_, words, ofEnvironment, config) => {
  const folder = await workFolder()
  const adapter = await plantAdapter(folder)
  await writeFile(join(folder, 'holdfast.config.json'), JSON.stringify(config))
  const env = { ...environment(), HOLDFAST_STORE: ofEnvironment }
  const hook = ['--on-saved', 'printf %s "$HOLDFAST_STORE" > location']
  const save = ['save', 'w.bin', '--step', '1', '--adapter', adapter, ...words, ...hook]
  expect(await holdfastIn(env, folder, ...save)).toMatchObject({ code: 0 })
  expect(await readFile(join(folder, 'location'), 'utf8')).toBe(location)
})

test('a command that cannot be started is reported, and the process goes on', async () => {
  const note = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  onTestFinished(() => {
    note.mockRestore()
  })
  await using store = await openStore('mem:')
  const saved = await store.save({ step: 7, files: { 'w.bin': Buffer.from('x') } })
  const command = ': \0' // Node.js throws the error, as it does if the machine has no memory for a process
  const hook = new SavedHook({ command, location: 'mem:' }, new Printer(false))
  hook.saved(saved)
  await hook.finish()
  expect(note.mock.calls.join('')).toContain(
    'step 7 is saved, but the command of --on-saved could not be run',
  )
})

test('a command that fails is reported, and the checkpoint is saved', async () => {
  const folder = await workFolder()
  const { code, stderr } = await holdfast(
    folder,
    'save',
    'w.bin',
    '--step',
    '1',
    '-s',
    'store',
    '--on-saved',
    'exit 3',
  )
  expect(code).toBe(0)
  expect(stderr).toBe('step 1 is saved, but the command of --on-saved exited with 3: exit 3\n')
  expect((await holdfast(folder, 'show', '1', '-s', 'store')).code).toBe(0)
})

test('a save that fails does not run the command', async () => {
  const folder = await workFolder()
  const words = ['save', 'missing', '--step', '1', '-s', 'store', '--on-saved', 'touch was-run']
  expect((await holdfast(folder, ...words)).code).toBe(2)
  await expect(readFile(join(folder, 'was-run'))).rejects.toThrow('ENOENT')
})

test('run runs the command for every checkpoint, in their order', async () => {
  const folder = await workFolder()
  const program =
    'for i in 1 2; do mkdir -p out/step_$i; echo $i > out/step_$i/w; touch out/step_$i/DONE; done'
  const words = [
    'run',
    '--watch',
    'out',
    '-s',
    'store',
    '--pattern',
    'step_{step}/',
    '--complete-when',
    'DONE',
  ]
  const hook = ['--quiet-period', '0', '--on-saved', 'echo $HOLDFAST_STEP >> steps']
  const { code } = await holdfast(folder, ...words, ...hook, '--', 'sh', '-c', program)
  expect(code).toBe(0)
  expect(await readFile(join(folder, 'steps'), 'utf8')).toBe('1\n2\n')
})

test('watch runs the command for each adopted checkpoint', async () => {
  const folder = await workFolder()
  const words = ['watch', 'out', '-s', 'store', '--pattern', 'step_{step}/', '--complete-when', 'DONE']
  const hook = ['--quiet-period', '0', '--on-saved', 'echo hook $HOLDFAST_STEP']
  const child = spawn(process.execPath, [main, ...words, ...hook], { cwd: folder, env: environment() })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  await mkdir(join(folder, 'out/step_5'), { recursive: true })
  await writeFile(join(folder, 'out/step_5/DONE'), '')
  const lines = createInterface(child.stderr)
  const seen: string[] = []
  for await (const line of lines) {
    seen.push(line)
    if (line === 'hook 5') break
  }
  expect(seen).toContain('hook 5')
  child.kill('SIGTERM')
  expect((await once(child, 'exit'))[0]).toBe(0)
})

test('run ends the command at the end of its grace, and reports the checkpoints without one', async () => {
  const folder = await workFolder()
  const program = `
    trap 'exit 0' TERM
    for i in 1 2; do mkdir -p out/step_$i; touch out/step_$i/DONE; done
    sleep 1000 & wait`
  const words = [
    'run',
    '--watch',
    'out',
    '-s',
    'store',
    '--pattern',
    'step_{step}/',
    '--complete-when',
    'DONE',
  ]
  const hook = ['--quiet-period', '0', '--grace', '1', '--on-saved', 'echo hook; exec sleep 1000']
  const child = spawn(process.execPath, [main, ...words, ...hook, '--', 'sh', '-c', program], {
    cwd: folder,
    env: environment(),
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const exit = once(child, 'exit')
  const saved = createInterface(child.stdout)
  for await (const line of saved) if (line.startsWith('saved step 2')) break
  const seen: string[] = []
  for await (const line of createInterface(child.stderr)) {
    seen.push(line)
    if (line === 'hook') child.kill('SIGTERM')
  }
  expect((await exit)[0]).toBe(0)
  const why = 'because Holdfast was stopped: echo hook; exec sleep 1000'
  expect(seen).toContain(`step 1 is saved, but the command of --on-saved was ended, ${why}`)
  expect(seen).toContain(`step 2 is saved, but the command of --on-saved was not run, ${why}`)
})
