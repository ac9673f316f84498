import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startGcsEmulator, startS3Emulator } from '@holdfast/emulators'
import { inCi, lastLines } from '@holdfast/test-servers'
import { beforeAll, describe, expect, onTestFinished, test, type TestContext } from 'vitest'
import { installPacked } from './support/packed.ts'
import { installedRuntime, type Runtime, type RuntimeName } from './support/runtime.ts'
import { ServeClient } from './support/serve-client.ts'

const execute = promisify(execFile)

/**
 * The cases of the conformance suite. By default, the cases that send little; `HOLDFAST_RUNTIMES_ALL=1`, as at night, runs the whole
 * suite, for which an emulator and a runtime exchange 1 GB.
 */
const everyCase = process.env['HOLDFAST_RUNTIMES_ALL'] === '1'
const someCases = ['commit', 'list', 'midway']

const pathOf = (module: string): string => fileURLToPath(new URL(module, import.meta.url))
const conformance = pathOf('../../../packages/conformance/dist/cli/main.js')
const adapterS3 = pathOf('../../../packages/adapter-s3/dist/index.js')
const adapterGcs = pathOf('../../../packages/adapter-gcs/dist/index.js')

/** The installation downloads 100 MB, or waits for that of another process. */
const installTimeout = 3_600_000
const timeout = 1_200_000

let published: Promise<string> | undefined

/** Returns the path of the command as npm installs it, where each package is one bundle. */
async function publishedCommand(): Promise<string> {
  published ??= (async () => {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-published-'))
    await installPacked(folder, ['core', 'adapter-fs', 'watch', 'page', 'cli'])
    return join(folder, 'node_modules', 'holdfast', 'bundle', 'main.js')
  })()
  return published
}

/** Returns the reason why a runtime cannot be installed. In CI a missing runtime is an error. */
async function reasonAgainst(name: RuntimeName): Promise<string | undefined> {
  try {
    await installedRuntime(name)
    return undefined
  } catch (error) {
    if (inCi(process.env)) throw error
    return `${name} could not be installed: ${error instanceof Error ? error.message : String(error)}`
  }
}

async function output(
  { file, args }: Runtime,
  words: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<string> {
  const { stdout } = await execute(file, [...args, ...words], {
    env: { ...process.env, ...environment },
    maxBuffer: 2 ** 26,
  })
  return stdout
}

const pattern = ['--pattern', 'step_{step}/', '--complete-when', 'DONE', '--quiet-period', '0']
const runWords = ['run', '--store', 'store', '--watch', 'out', '--restart-delay', '0', ...pattern]
const train = ['--', 'sh', 'train.sh']

/** Returns a folder with a program `train.sh`, in whose script `save N` writes the checkpoint of a step. */
async function programFolder(script: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-program-'))
  const save =
    'save() { mkdir -p out/step_$1; echo "weights $1" > out/step_$1/model.bin; : > out/step_$1/DONE; }'
  await writeFile(join(folder, 'train.sh'), `${save}\n${script}\n`)
  return folder
}

/** Returns the steps that the store in a folder lists. */
async function savedSteps(runtime: Runtime, folder: string): Promise<readonly (string | undefined)[]> {
  const store = join(folder, 'store')
  const listed = await output(runtime, [await publishedCommand(), 'ls', '--json', '--store', store])
  return [...listed.matchAll(/"type":"checkpoint","step":(\d+)/g)].map(([, step]) => step).toSorted()
}

/** The verdict on a place where every case, or every chosen one, passed. */
const passed = /passes the suite: all \d+ cases passed|: \d+ of \d+ cases ran, and passed/

/** Runs the suite on a place, and returns the last lines of each report. */
async function certify(
  runtime: Runtime,
  words: readonly string[],
  environment?: NodeJS.ProcessEnv,
): Promise<readonly string[]> {
  const selections = everyCase ? [[]] : someCases.map((name) => ['--only', name])
  const reports: string[] = []
  for (const selection of selections)
    reports.push(lastLines(await output(runtime, [conformance, ...words, ...selection], environment), 1))
  return reports
}

describe.each<RuntimeName>(['bun', 'deno'])('on %s', { timeout }, (name) => {
  let missing: string | undefined
  beforeAll(async () => {
    missing = await reasonAgainst(name)
  }, installTimeout)

  /** Returns the command, or skips the test. */
  const runtimeOr = async (skip: TestContext['skip']): Promise<Runtime> =>
    missing === undefined ? installedRuntime(name) : skip(missing)

  test('the published command line saves, lists, copies, verifies and restores', async ({ skip }) => {
    const runtime = await runtimeOr(skip)
    const folder = await mkdtemp(join(tmpdir(), `holdfast-${name}-`))
    const model = join(folder, 'model.bin')
    await writeFile(model, 'weights')
    const command = await publishedCommand()
    const onStore = (...words: readonly string[]): Promise<string> =>
      output(runtime, [command, ...words, '--store', join(folder, 'store')])
    expect(await onStore('save', model, '--step', '1', '--metric', 'loss=0.5')).toMatch(/^saved step 1/)
    expect(await onStore('ls', '--json')).toContain('"step":1')
    expect(await onStore('verify')).toContain('1 checkpoint')
    await onStore('restore', 'latest', '--to', join(folder, 'resume'))
    expect(await readFile(join(folder, 'resume', 'model.bin'), 'utf8')).toBe('weights')
    await output(runtime, [command, 'copy', join(folder, 'store'), join(folder, 'copy')])
    expect(await output(runtime, [command, 'ls', '--json', '--store', join(folder, 'copy')])).toContain(
      '"step":1',
    )
  })

  test('the published command line runs a program, and starts it again from the latest checkpoint', async ({
    skip,
  }) => {
    const runtime = await runtimeOr(skip)
    const folder = await programFolder('if [ -d out/step_1 ]; then save 2; else save 1; kill -9 $$; fi')
    const words = [...runtime.args, await publishedCommand(), ...runWords, '--restarts', '1', ...train]
    const { stdout } = await execute(runtime.file, words, { cwd: folder })
    expect(stdout).toMatch(/ended with signal 9 \(SIGKILL\) .* restarting \(1 of 1\) from step 1\n/)
    expect(await savedSteps(runtime, folder)).toEqual(['1', '2'])
  })

  test('the published command line passes SIGTERM on, and saves what the program writes then', async ({
    skip,
  }) => {
    const runtime = await runtimeOr(skip)
    const folder = await programFolder(
      "trap 'save 2; exit 0' TERM; save 1; while :; do sleep 1000 & wait; done",
    )
    const words = [...runtime.args, await publishedCommand(), ...runWords, ...train]
    const running = spawn(runtime.file, words, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
    onTestFinished(() => {
      running.kill()
    })
    const ended = once(running, 'close')
    for await (const line of createInterface({ input: running.stdout }))
      if (line.startsWith('saved step 1 ')) running.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
    expect(await savedSteps(runtime, folder)).toEqual(['1', '2'])
  })

  test('the published command line serves a client that saves a stream, reads it and restores', async ({
    skip,
  }) => {
    const runtime = await runtimeOr(skip)
    const folder = await mkdtemp(join(tmpdir(), `holdfast-${name}-`))
    const weights = Buffer.alloc(100_000, 'weights')
    await using client = await ServeClient.start(runtime, await publishedCommand())
    const opened = await client.call('openStore', { location: join(folder, 'store'), config: false })
    const { store } = opened as { readonly store: number }
    await client.call('save', { store, step: 1, files: { 'model.bin': { stream: 1 } } }, weights)
    const file = { store, choice: 'latest', file: 'model.bin', stream: 2 }
    expect(await client.call('read', file)).toMatchObject({ size: weights.byteLength })
    expect((await client.receive(2, weights.byteLength)).equals(weights)).toBe(true)
    await client.call('restore', { store, choice: 1, to: join(folder, 'resume') })
    expect((await readFile(join(folder, 'resume', 'model.bin'))).equals(weights)).toBe(true)
    await expect(client.call('restore', { store, choice: 9, to: folder })).rejects.toThrow('NOT_FOUND')
    await client.call('closeStore', { store })
    expect(await client.end()).toBe(0)
  })

  test('a disk passes the conformance suite', async ({ skip }) => {
    const runtime = await runtimeOr(skip)
    const place = await mkdtemp(join(tmpdir(), `holdfast-${name}-`))
    for (const report of await certify(runtime, [place, '--part-size', '1 MiB']))
      expect(report).toMatch(passed)
  })

  test('the emulator of S3 passes the conformance suite', async ({ skip }) => {
    const runtime = await runtimeOr(skip)
    await using s3 = await startS3Emulator({ buckets: ['checkpoints'] })
    const place = `s3://checkpoints/a?endpoint=${s3.endpoint}&region=${s3.region}&partSize=5MiB`
    const { accessKeyId, secretAccessKey } = s3.credentials
    const reports = await certify(runtime, [place, '--part-size', '5 MiB', '--adapter', adapterS3], {
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    })
    for (const report of reports) expect(report).toMatch(passed)
  })

  test('the emulator of Google Cloud Storage passes the conformance suite', async ({ skip }) => {
    const runtime = await runtimeOr(skip)
    await using gcs = await startGcsEmulator({ buckets: ['checkpoints'] })
    const place = `gs://checkpoints/a?endpoint=${gcs.endpoint}&chunkSize=1MiB`
    const reports = await certify(runtime, [place, '--part-size', '1 MiB', '--adapter', adapterGcs])
    for (const report of reports) expect(report).toMatch(passed)
  })
})

test(
  'commands that read a store need only the permissions of Deno that are documented',
  { timeout },
  async ({ skip }) => {
    const missing = await reasonAgainst('deno')
    if (missing !== undefined) return skip(missing)
    const { file } = await installedRuntime('deno')
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-deno-'))
    const store = join(folder, 'store')
    await writeFile(join(folder, 'model.bin'), 'weights')
    const command = await publishedCommand()
    const node = { file: process.execPath, args: [] }
    await output(node, [command, 'save', join(folder, 'model.bin'), '--step', '1', '--store', store])
    const reader = { file, args: ['run', '--no-prompt', '--allow-read', '--allow-env', '--allow-sys'] }
    expect(await output(reader, [command, 'ls', '--json', '--store', store])).toContain('"step":1')
    expect(await output(reader, [command, 'verify', '--store', store])).toContain('1 checkpoint')
  },
)
