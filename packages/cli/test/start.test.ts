import { execFile } from 'node:child_process'
import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  symlink,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as v from 'valibot'
import { afterAll, describe, expect, test } from 'vitest'
import { nodeVersionFault } from '../src/node-version.ts'
import { environment, holdfastProcess, main, type Outcome } from './holdfast.ts'

const base = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-start-')))
let folders = 0

afterAll(async () => {
  await rm(base, { recursive: true })
})

async function newFolder(): Promise<string> {
  folders += 1
  const folder = join(base, String(folders))
  await mkdir(folder, { mode: 0o700 })
  return folder
}

describe('the compile cache', () => {
  async function listing(variables: NodeJS.ProcessEnv): Promise<Outcome> {
    const { NODE_COMPILE_CACHE: _, XDG_CACHE_HOME: __, ...rest } = environment()
    return holdfastProcess({ ...rest, ...variables }, base, 'ls', '-s', 'store')
  }

  test('is a folder that only the user can read, below XDG_CACHE_HOME or ~/.cache', async () => {
    const home = await newFolder()
    const temporary = await newFolder()
    const places = { HOME: home, TMPDIR: temporary, TEMP: temporary, TMP: temporary }
    const first = await listing(places)
    expect(first).toMatchObject({ code: 0, stderr: '' })
    expect((await lstat(join(home, '.cache', 'holdfast'))).mode & 0o777).toBe(0o700)
    expect(await readdir(join(home, '.cache', 'holdfast'))).not.toEqual([])
    expect(await listing(places)).toEqual(first)
    expect(await listing({ ...places, XDG_CACHE_HOME: join(home, 'chosen') })).toEqual(first)
    expect(await readdir(join(home, 'chosen', 'holdfast'))).not.toEqual([])
    expect(await readdir(temporary)).toEqual([])
  })

  const plants: [string, (folder: string) => Promise<void>][] = [
    ['a folder that everyone may write', (folder) => chmod(folder, 0o777)],
    ['a folder that its group may read', (folder) => chmod(folder, 0o750)],
    ['a folder below one that everyone may write', (folder) => chmod(join(folder, '..'), 0o777)],
  ]
  if (process.geteuid?.() === 0) {
    plants.push(
      ['a folder of another user', (folder) => chown(folder, 54_321, 54_321)],
      ['a folder below one of another user', (folder) => chown(join(folder, '..'), 54_321, 54_321)],
    )
  }

  test.each(plants)('is not used in %s', async (_, plant) => {
    const caches = await newFolder()
    const planted = join(caches, 'holdfast')
    await mkdir(planted, { mode: 0o700 })
    await plant(planted)
    expect(await listing({ XDG_CACHE_HOME: caches })).toMatchObject({ code: 0, stderr: '' })
    expect(await readdir(planted)).toEqual([])
  })

  test('is not used behind a link into a folder that others may write, or if no folder can be created', async () => {
    const caches = await newFolder()
    const open = await newFolder()
    await mkdir(join(open, 'target'), { mode: 0o700 })
    await chmod(open, 0o777)
    await symlink(join(open, 'target'), join(caches, 'holdfast'))
    expect(await listing({ XDG_CACHE_HOME: caches })).toMatchObject({ code: 0, stderr: '' })
    expect(await readdir(join(open, 'target'))).toEqual([])
    expect(await listing({ XDG_CACHE_HOME: join(base, 'no', 'such', 'folder') })).toMatchObject({
      code: 0,
      stderr: '',
    })
    expect(await listing({ XDG_CACHE_HOME: main })).toMatchObject({ code: 0, stderr: '' })
    expect(await readdir(base)).not.toContain('no')
  })
})

describe('the parts of Node.js that a command loads', () => {
  /** Writes the names of the loaded parts to stderr at the end of the process. */
  const reporting = `data:text/javascript,${encodeURIComponent(
    "process.on('exit', () => process.stderr.write(JSON.stringify(process.moduleLoadList)))",
  )}`

  async function partsLoadedBy(...words: readonly string[]): Promise<readonly string[]> {
    const env = { ...environment(), NODE_OPTIONS: `--import ${reporting}` }
    const { code, stderr } = await holdfastProcess(env, base, ...words)
    expect(code).toBe(0)
    const loaded: unknown = JSON.parse(stderr)
    return v.parse(v.array(v.string()), loaded).map((name) => name.replace('NativeModule ', ''))
  }

  /** TLS reads all root certificates, which takes most of the time that Node.js takes to start. */
  const heavy = ['tls', 'https', 'http', 'internal/deps/undici/undici']

  test('include neither TLS nor HTTP if a store on a disk is listed', async () => {
    const loaded = await partsLoadedBy('ls', '-s', 'store')
    expect(loaded).toContain('crypto')
    expect(loaded.filter((name) => heavy.includes(name))).toEqual([])
  })
})

describe('a Node.js that is too old', () => {
  /** Only the version is changed. The real thing cannot parse what comes after the check. */
  const asOld =
    "data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.20.2'}})"
  const sentence =
    'Holdfast needs Node.js 22.18 or newer, and this is Node.js 20.20.2. Install a newer one from https://nodejs.org.\n'

  async function onOld(...words: readonly string[]): Promise<Outcome> {
    return new Promise((resolve) => {
      execFile(
        process.execPath,
        ['--import', asOld, ...words],
        { env: environment() },
        (error, stdout, stderr) => {
          resolve({ code: error === null ? 0 : (error.code ?? null), stdout, stderr })
        },
      )
    })
  }

  test.each([[['ls']], [['--version']], [['--help']], [['nonsense']], [[]]])(
    'gets one sentence and exit code 2 from holdfast %j',
    async (words) => {
      expect(await onOld(main, ...words)).toEqual({ code: 2, stdout: '', stderr: `holdfast: ${sentence}` })
    },
  )

  test('gets one line of JSON with --json', async () => {
    const { code, stderr } = await onOld(main, 'ls', '--json')
    expect(code).toBe(2)
    expect(JSON.parse(stderr)).toEqual({
      type: 'error',
      code: 'CONFIG',
      exitCode: 2,
      message: sentence.trim(),
    })
  })

  test('gets the sentence and exit code 2 from the library, or an error that it can catch', async () => {
    const core = import.meta.resolve('@holdfast/core')
    expect(await onOld('--input-type=module', '--eval', `import '${core}'`)).toEqual({
      code: 2,
      stdout: '',
      stderr: sentence,
    })
    const caught = `await import('${core}').catch(({ code, message }) => console.log(code, message))`
    expect(await onOld('--input-type=module', '--eval', caught)).toEqual({
      code: 0,
      stdout: `UNSUPPORTED ${sentence}`,
      stderr: '',
    })
  })

  test('is a version that engines does not allow', async () => {
    const manifest = await readFile(new URL('../package.json', import.meta.url), 'utf8')
    expect(JSON.parse(manifest)).toMatchObject({ engines: { node: '>=22.18' } })
    for (const version of ['22.18.0', '22.20.1', '24.0.0', '100.0.0'])
      expect(nodeVersionFault(version)).toBeUndefined()
    for (const version of ['8.0.0', '18.20.0', '20.20.2', '22.17.9'])
      expect(nodeVersionFault(version)).toContain(version)
  })
})
