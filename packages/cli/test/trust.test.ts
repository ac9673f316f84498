import {
  chmod,
  chown,
  lchown,
  mkdir,
  mkdtemp,
  readdir,
  realpath,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { environment, holdfast, holdfastIn, holdfastProcess, type Outcome } from './holdfast.ts'

const base = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-trust-')))
const isRoot = process.geteuid?.() === 0
const stranger = 54_321
let folders = 0

afterAll(async () => {
  await rm(base, { recursive: true })
})

/** Creates a folder of another user, as far as this machine allows, with a folder of this user in it. */
async function hostileFolder(): Promise<{ readonly hostile: string; readonly work: string }> {
  folders += 1
  const hostile = join(base, String(folders))
  const work = join(hostile, 'work')
  await mkdir(work, { recursive: true })
  await writeFile(join(work, 'model.bin'), 'weights')
  return { hostile, work }
}

async function makeHostile(folder: string): Promise<void> {
  if (isRoot) await chown(folder, stranger, stranger)
  else await chmod(folder, 0o777)
}

const plantedCode = "require('node:fs').writeFileSync(__dirname + '/ran', '')\nmodule.exports = {}\n"

async function saveThree(work: string, ...words: readonly string[]): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = []
  for (let step = 1; step <= 3; step += 1)
    outcomes.push(await holdfast(work, 'save', 'model.bin', '--step', String(step), ...words))
  return outcomes
}

describe('a configuration that others can change', () => {
  test.each(['js', 'ts'])('is not executed: holdfast.config.%s', async (extension) => {
    const { hostile, work } = await hostileFolder()
    await writeFile(join(hostile, `holdfast.config.${extension}`), plantedCode)
    await makeHostile(hostile)
    const named = await holdfast(work, 'save', 'model.bin', '--step', '1', '--store', './s')
    expect(named).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('is not used. It is not trusted.') as string,
    })
    expect(named.stderr).toContain('--no-config')
    const unnamed = await holdfast(work, 'ls')
    expect(unnamed).toMatchObject({ code: 2, stderr: expect.stringContaining('is not trusted.') as string })
    expect(unnamed.stderr).toMatch(/(chown|chmod) .*--config FILE/)
    expect(await readdir(hostile)).not.toContain('ran')
  })

  test('does not delete checkpoints of a store that is named', async () => {
    const { hostile, work } = await hostileFolder()
    const planted = join(hostile, 'holdfast.config.json')
    await writeFile(planted, JSON.stringify({ retention: { keepLast: 1 } }))
    await makeHostile(hostile)
    for (const { code, stderr } of await saveThree(work, '--store', './s')) {
      expect(code).toBe(0)
      expect(stderr).toContain(`${planted} is not used.`)
    }
    expect((await holdfast(work, 'ls', '--store', './s', '--no-config')).stdout).toContain('3 checkpoints')
    const [note = ''] = (await holdfast(work, 'ls', '--store', './s', '--json')).stderr.trim().split('\n')
    expect(JSON.parse(note)).toEqual({
      type: 'note',
      message: expect.stringContaining(`${planted} is not used.`) as string,
    })
  })

  test('is used with --config, and ignored without a warning with --no-config', async () => {
    const { hostile, work } = await hostileFolder()
    const planted = join(hostile, 'holdfast.config.json')
    await writeFile(planted, JSON.stringify({ retention: { keepLast: 1 } }))
    await makeHostile(hostile)
    await saveThree(work, '--store', './s', '--config', planted)
    expect(await holdfast(work, 'ls', '--store', './s', '--no-config')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('1 checkpoint ·') as string,
      stderr: '',
    })
    expect(await holdfast(work, 'ls', '--no-config')).toMatchObject({ code: 2 })
    const missing = await holdfast(work, 'ls', '--store', './s', '--config', './nothing.json')
    expect(missing).toMatchObject({ code: 2, stderr: expect.stringContaining('nothing.json') as string })
  })

  test('is not used by the library', async () => {
    const { hostile, work } = await hostileFolder()
    await writeFile(join(hostile, 'holdfast.config.cjs'), plantedCode)
    await writeFile(join(hostile, 'holdfast.config.js'), plantedCode)
    await makeHostile(hostile)
    const core = import.meta.resolve('@holdfast/core')
    await writeFile(
      join(work, 'train.mjs'),
      `import { openStore } from '${core}'
process.on('warning', ({ code }) => console.log(code))
await using store = await openStore('./s')
console.log(store.url)
await openStore('./s', { config: false })
await openStore().catch((error) => console.log(error.code, error.hint.kind))`,
    )
    const { stdout } = await run(work, 'train.mjs')
    expect(stdout.split('\n').toSorted()).toEqual(
      [
        '',
        'CONFIG choose-config',
        'HOLDFAST_IGNORED_CONFIG',
        expect.stringContaining('file://') as string,
      ].toSorted(),
    )
    expect(await readdir(hostile)).not.toContain('ran')
  })

  test('in a sticky folder like /tmp may be data of the user, and never code', async () => {
    const { hostile, work } = await hostileFolder()
    await chmod(hostile, 0o1777)
    await writeFile(join(hostile, 'holdfast.config.json'), JSON.stringify({ store: './configured' }))
    expect((await holdfast(work, 'save', 'model.bin', '--step', '1')).code).toBe(0)
    await writeFile(join(hostile, 'holdfast.config.js'), plantedCode)
    expect(await holdfast(work, 'ls')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`Other users may create files in ${hostile}`) as string,
    })
    expect(await readdir(hostile)).not.toContain('ran')
  })

  test.runIf(isRoot)(
    'is recognised behind a link of another user, and through a link of the user',
    async () => {
      const { hostile, work } = await hostileFolder()
      const good = join(work, 'good.json')
      await writeFile(good, JSON.stringify({ store: './s' }))
      const link = join(work, 'holdfast.config.json')
      await symlink(good, link)
      expect((await holdfast(work, 'save', 'model.bin', '--step', '1')).code).toBe(0)
      await lchown(link, stranger, stranger)
      expect(await holdfast(work, 'ls')).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('chown -h') as string,
      })
      await rm(link)
      const elsewhere = join(hostile, 'elsewhere')
      await mkdir(elsewhere)
      await writeFile(join(elsewhere, 'c.json'), '{}')
      await chown(elsewhere, stranger, stranger)
      await symlink(join(elsewhere, 'c.json'), link)
      expect(await holdfast(work, 'ls')).toMatchObject({
        code: 2,
        stderr: expect.stringContaining(elsewhere) as string,
      })
    },
  )
})

describe('a trusted configuration', () => {
  test('runs no code if the store is named, by an option or by HOLDFAST_STORE', async () => {
    const { hostile, work } = await hostileFolder()
    const code = join(hostile, 'holdfast.config.js')
    await writeFile(code, plantedCode.replace('{}', '{ store: "./s" }'))
    for (const outcome of [
      await holdfast(work, 'save', 'model.bin', '--step', '1', '--store', './s'),
      await holdfastIn({ ...environment(), HOLDFAST_STORE: './s' }, work, 'ls'),
    ])
      expect(outcome).toMatchObject({
        code: 0,
        stderr: expect.stringContaining(`${code} is not used. It is code`) as string,
      })
    expect(await readdir(hostile)).not.toContain('ran')
    expect((await holdfast(work, 'save', 'model.bin', '--step', '2')).code).toBe(0)
    expect(await readdir(hostile)).toContain('ran')
  })

  test('in JSON gives retention and objectives to a store that is named', async () => {
    const { hostile, work } = await hostileFolder()
    const config = {
      retention: { keepLast: 1 },
      objectives: { loss: { metric: 'val_loss', direction: 'min' } },
    }
    await writeFile(join(hostile, 'holdfast.config.json'), JSON.stringify(config))
    await writeFile(join(hostile, 'holdfast.config.js'), plantedCode)
    await saveThree(work, '--store', './s', '--metric', 'val_loss=1')
    expect((await holdfast(work, 'ls', '--store', './s')).stdout).toMatch(/best loss[^]*2 checkpoints/)
    expect(await readdir(hostile)).not.toContain('ran')
  })

  test.runIf(isRoot)('does not import a package that another user planted above it', async () => {
    const { hostile, work } = await hostileFolder()
    await plantPackage(hostile, 'settings', "export const store = './s'", stranger)
    await writeFile(join(work, 'package.json'), '{ "type": "module" }')
    await writeFile(
      join(work, 'holdfast.config.js'),
      "import { store } from 'settings'\nexport default { store }\n",
    )
    expect(await holdfast(work, 'ls')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(
        `${join(hostile, 'node_modules')}, which belongs to the user ${stranger}`,
      ) as string,
    })
    expect(await readdir(hostile)).not.toContain('ran')
    await plantPackage(work, 'settings', "export const store = './s'")
    // A process does not look again for a package that it has not found.
    const saving = await holdfastProcess(environment(), work, 'save', 'model.bin', '--step', '1')
    expect(saving.code).toBe(0)
  })
})

const backend = `
import { openBackend } from '${import.meta.resolve('@holdfast/core/backend')}'
export const adapter = {
  schemes: ['toy', 'gs'],
  open: (url) => openBackend(new URL('./' + url.host, 'file://' + process.cwd() + '/')),
}`

describe('an adapter', () => {
  test('is not loaded from the working folder or above it unless it is named', async () => {
    const { hostile, work } = await hostileFolder()
    await plantPackage(hostile, '@holdfast/adapter-gcs', backend)
    const refused = await holdfast(work, 'ls', '--store', 'gs://bucket/x')
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--adapter @holdfast/adapter-gcs') as string,
    })
    expect(await readdir(hostile)).not.toContain('ran')
    const named = ['--store', 'gs://bucket/x', '--adapter', '@holdfast/adapter-gcs']
    expect((await holdfast(work, 'save', 'model.bin', '--step', '1', ...named)).code).toBe(0)
    expect(await readdir(hostile)).toContain('ran')
    expect(await readdir(work)).toContain('bucket')
  })

  test('of a third party opens a store, as a package, a file, or from the configuration', async () => {
    const { work } = await hostileFolder()
    await plantPackage(work, 'holdfast-toy', backend)
    const file = './node_modules/holdfast-toy/index.js'
    for (const adapter of ['holdfast-toy', file]) {
      const outcome = await holdfast(
        work,
        'save',
        'model.bin',
        '--step',
        '1',
        '-s',
        'toy://a',
        '--adapter',
        adapter,
      )
      expect(outcome.code, outcome.stderr).toBe(0)
      // Both open the same store.
      if (adapter === file) expect(outcome.stdout).toContain('already saved')
    }
    expect(await holdfast(work, 'ls', '-s', 'toy://a')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/No adapter is known for toy:.*--adapter PACKAGE/) as string,
    })
    for (const adapter of ['holdfast-toy', file]) {
      await writeFile(
        join(work, 'holdfast.config.json'),
        JSON.stringify({ store: 'toy://a', adapters: [adapter] }),
      )
      const outcome = await holdfast(join(work, 'node_modules'), 'ls')
      expect(outcome, adapter).toMatchObject({ code: 0 })
    }
    // Naming the store runs no code that only the configuration names.
    expect((await holdfast(work, 'ls', '-s', 'toy://a')).code).toBe(2)
    expect((await holdfast(work, 'ls', '-s', 'toy://a', '--config', 'holdfast.config.json')).code).toBe(0)
  })

  test('is reported if it is not installed or is not an adapter', async () => {
    const { work } = await hostileFolder()
    await plantPackage(work, 'no-adapter', 'export default 1')
    for (const [name, message] of [
      ['holdfast-nothing', /holdfast-nothing was not found from/],
      ['no-adapter', /no-adapter does not export an adapter/],
    ] as const)
      expect(await holdfast(work, 'ls', '-s', 's', '--adapter', name)).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(message) as string,
      })
    await writeFile(join(work, 'holdfast.config.json'), JSON.stringify({ adapters: [{}] }))
    expect(await holdfast(work, 'ls')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('adapters') as string,
    })
  })

  test.runIf(isRoot)(
    'of another user is not loaded, even if the main module stands below it or it is named',
    async () => {
      const { hostile, work } = await hostileFolder()
      await plantPackage(hostile, '@holdfast/adapter-gcs', backend, stranger)
      const named = await holdfast(work, 'ls', '-s', 'gs://b/x', '--adapter', '@holdfast/adapter-gcs')
      expect(named).toMatchObject({
        code: 2,
        stderr: expect.stringContaining(`another user (${stranger})`) as string,
      })
      await writeFile(
        join(work, 'train.mjs'),
        `import { openStore } from '${import.meta.resolve('@holdfast/core')}'
await openStore('gs://bucket/x').catch((error) => console.log(error.message))`,
      )
      expect((await run(work, 'train.mjs')).stdout).toContain(
        `belongs to another user (${stranger}), who may have placed it there`,
      )
      expect(await readdir(hostile)).not.toContain('ran')
    },
  )
})

/** Creates a package in the `node_modules` of a folder. Loading it creates a file `ran` there. */
async function plantPackage(folder: string, name: string, code: string, owner?: number): Promise<void> {
  const place = join(folder, 'node_modules', name)
  await mkdir(place, { recursive: true })
  await writeFile(
    join(place, 'package.json'),
    JSON.stringify({ name, type: 'module', exports: { import: './index.js' } }),
  )
  const trace = `import { writeFileSync } from 'node:fs'\nwriteFileSync(${JSON.stringify(join(folder, 'ran'))}, '')\n`
  await writeFile(join(place, 'index.js'), `${trace}${code}\n`)
  if (owner === undefined) return
  for (let at = join(place, 'index.js'); at !== folder; at = dirname(at)) await chown(at, owner, owner)
}

async function run(folder: string, file: string): Promise<Outcome> {
  const { execFile } = await import('node:child_process')
  return new Promise((resolve) => {
    execFile(process.execPath, [file], { cwd: folder, env: environment() }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : (error.code ?? null), stdout, stderr })
    })
  })
}

describe('the place of a store', () => {
  test('may start with ~ and contain variables, on the command line and in the configuration', async () => {
    const { hostile, work } = await hostileFolder()
    const env = { ...environment(), HOME: hostile, SCRATCH: join(hostile, 'scratch') }
    await mkdir(join(hostile, 'scratch'))
    const save = async (...words: readonly string[]): Promise<Outcome> =>
      holdfastIn(env, work, 'save', 'model.bin', '--step', '1', ...words)
    expect((await save('--store=~/one')).code).toBe(0)
    expect(
      (await holdfastIn({ ...env, HOLDFAST_STORE: '~/two' }, work, 'save', 'model.bin', '--step', '1')).code,
    ).toBe(0)
    for (const [number, store] of ['~/three', '$SCRATCH/four', '${SCRATCH}/five'].entries()) {
      await writeFile(join(work, 'holdfast.config.json'), JSON.stringify({ store }))
      expect((await save()).code, String(number)).toBe(0)
    }
    expect((await holdfastIn(env, work, 'restore', '--store=~/one', '--to=~/restored')).code).toBe(0)
    expect(await readdir(hostile)).toEqual(expect.arrayContaining(['one', 'two', 'three', 'restored']))
    expect((await readdir(join(hostile, 'scratch'))).toSorted()).toEqual(['five', 'four'])
    expect(await save('--store', '$MISSING/x')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('MISSING is not set') as string,
    })
    expect((await readdir(work)).toSorted()).toEqual(['holdfast.config.json', 'model.bin'])
  })

  test('is printed without its secrets', async () => {
    const { work } = await hostileFolder()
    for (const place of [
      's3://key:PASS/WORD@bucket/x',
      'file://u:PASS@host/x?token=PASS',
      'https://u:PASS@host/x',
    ]) {
      const outcome = await holdfast(work, 'ls', '-s', place)
      expect(outcome, place).toMatchObject({ code: 2, stdout: '' })
      expect(outcome.stderr, place).not.toMatch(/PASS|WORD/)
    }
  })
})
