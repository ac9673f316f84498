import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { defaults } from '../src/configuration/values.ts'
import { environment, holdfast, holdfastIn } from './holdfast.ts'

async function folderWith(config: object | undefined): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-config-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  if (config !== undefined) await writeFile(join(folder, 'holdfast.config.json'), JSON.stringify(config))
  return folder
}

type Setting = readonly [value: unknown, from: string]

/** The settings of `holdfast config --json` by name. */
async function settingsOf(
  folder: string,
  words: readonly string[] = [],
  env: NodeJS.ProcessEnv = environment(),
): Promise<Readonly<Record<string, Setting>>> {
  const { stdout, stderr } = await holdfastIn(env, folder, 'config', '--json', ...words)
  expect(stderr).toBe('')
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(lines.at(-1)).toMatchObject({ type: 'result', command: 'config' })
  return Object.fromEntries(
    lines.slice(0, -1).map(({ name, value, from }) => {
      const { kind, variable } = from as { readonly kind: string; readonly variable?: string }
      return [String(name), [value, variable ?? kind] as const]
    }),
  )
}

const configured = {
  $schema: './node_modules/@holdfast/core/schema/config.schema.json',
  store: './runs',
  objectives: { loss: { metric: 'val_loss', direction: 'min' } },
  retention: { keepLast: 3, keepDaily: 7 },
  space: { warnBelow: '10 GB' },
  limitUpload: '2 GB/s',
  limitDownload: '1 GB/s',
  backend: { secretAccessKey: 'very secret' },
}

test('shows each value with the file from which it comes, and the defaults', async () => {
  const folder = await folderWith(configured)
  await mkdir(join(folder, 'deep'))
  const { code, stdout, stderr } = await holdfast(join(folder, 'deep'), 'config')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const file = join(folder, 'holdfast.config.json')
  expect(stdout).toContain(`configuration file: ${file}\n`)
  const line = (name: string): string | undefined =>
    stdout
      .split('\n')
      .find((each) => each.startsWith(`${name} `))
      ?.replaceAll(/ {2,}/g, '  ')
  expect(line('store')).toBe(`store  ${pathToFileURL(join(folder, 'runs')).href}  ${file}`)
  expect(line('retention.keepLast')).toBe(`retention.keepLast  3  ${file}`)
  expect(line('space.warnBelow')).toBe(`space.warnBelow  10 GB  ${file}`)
  expect(line('space.refuseBelow')).toBe('space.refuseBelow  0  default')
  expect(line('job')).toBe('job  none  default')
  expect(stdout).not.toContain('very secret')
  expect(line('backend.secretAccessKey')).toContain('set, not shown')
})

test('prefers options, then the environment, then the file', async () => {
  const folder = await folderWith(configured)
  const env = { ...environment(), HOLDFAST_STORE: './env', HOLDFAST_JOB: 'night' }
  const ofEnvironment = await settingsOf(folder, [], env)
  expect(ofEnvironment).toMatchObject({
    store: [pathToFileURL(join(folder, 'env')).href, 'HOLDFAST_STORE'],
    job: ['night', 'HOLDFAST_JOB'],
    mode: ['exclusive', 'default'],
    'retention.keepLast': [3, 'file'],
  })
  const words = [
    '--store',
    './named',
    '--job',
    'day',
    '--keep-last',
    '9',
    '--objective',
    'pck=pck:max',
    '--make-room',
    '--limit-upload',
    '50MB/s',
    '--threads',
    '3',
  ]
  const ofOptions = await settingsOf(folder, words, env)
  expect(ofOptions).toMatchObject({
    store: [pathToFileURL(join(folder, 'named')).href, 'option'],
    job: ['day', 'option'],
    'objectives.loss': [configured.objectives.loss, 'file'],
    'objectives.pck': [{ metric: 'pck', direction: 'max' }, 'option'],
    'retention.keepLast': [9, 'option'],
    'space.makeRoom': [true, 'option'],
    limitUpload: [50_000_000, 'option'],
    limitDownload: ['1 GB/s', 'file'],
    threads: [3, 'option'],
  })
  // A retention of the command line replaces that of the file.
  expect(ofOptions).not.toHaveProperty('retention.keepDaily')
})

test('shows every setting that a configuration file can have', async () => {
  const url = new URL('../../core/schema/config.schema.json', import.meta.url)
  const { properties } = JSON.parse(await readFile(url, 'utf8')) as { readonly properties: object }
  const mirror = {
    store: 's3://key:hidden@bucket/b?token=hidden',
    maxBehind: 3,
    backend: { credentials: { secretAccessKey: 'hidden' } },
  }
  const folder = await folderWith({ ...configured, mirror, adapters: ['@me/adapter'] })
  const settings = await settingsOf(folder)
  const shown = new Set(Object.keys(settings).map((name) => name.split('.')[0]))
  expect(Object.keys(properties).filter((name) => name !== '$schema' && !shown.has(name))).toEqual([])
  expect(settings).toMatchObject({
    'mirror.store': ['s3://bucket/b', 'file'],
    'mirror.maxBehind': [3, 'file'],
    'mirror.backend.credentials': ['set, not shown', 'file'],
  })
  expect(await settingsOf(folder, ['--mirror', './c'])).toMatchObject({ 'mirror.store': ['./c', 'option'] })
  expect(await settingsOf(folder, ['--mirror', './c'])).not.toHaveProperty('mirror.maxBehind')
  expect(await settingsOf(folder, ['--no-mirror'])).toMatchObject({ mirror: [undefined, 'option'] })
})

test('works without a store and a file, and shows no credentials of a URL', async () => {
  const folder = await folderWith(undefined)
  const none = await holdfast(folder, 'config', '--no-config')
  expect(none).toMatchObject({ code: 0, stderr: '' })
  expect(none.stdout).toMatch(/^no configuration file is used\n/)
  expect(none.stdout).toMatch(/\nstore +none +default\n/)
  const { stdout } = await holdfast(folder, 'config', '-s', 's3://key:hidden@bucket/runs?token=hidden')
  expect(stdout).toContain('s3://bucket/runs ')
  expect(stdout).not.toContain('hidden')
})

test('says why a file is not used', async () => {
  const folder = await folderWith(undefined)
  await writeFile(join(folder, 'holdfast.config.js'), 'export default {}')
  const { code, stdout, stderr } = await holdfast(folder, 'config', '-s', './runs')
  expect(code).toBe(0)
  expect(stdout).toContain('no configuration file is used')
  expect(stderr).toMatch(/holdfast\.config\.js is not used\. It is .*--config FILE/)
})

test.each([
  [{ stor: 'x' }, [], 'stor'],
  [{}, ['--config', 'missing.json'], 'missing.json cannot be read'],
  [{}, ['--take-over'], 'config opens none'],
  [{}, ['--keep-last', '0'], 'whole number'],
])('rejects %j with %j', async (config, words, message) => {
  expect(await holdfast(await folderWith(config), 'config', ...words)).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining(message) as string,
  })
})

test('has the defaults that docs/configuration.md lists', async () => {
  const page = await readFile(new URL('../../../docs/configuration.md', import.meta.url), 'utf8')
  for (const [name, value] of Object.entries(defaults)) {
    if (['gracePeriod', 'threads', 'writerName'].includes(name)) continue // described in words
    const option = name.split('.').at(-1) ?? ''
    const row = page.split('\n').find((line) => line.startsWith(`| \`${option}\``))
    const text = typeof value === 'string' ? `'${value}'` : String(value)
    expect(row?.split('|')[2]?.replaceAll('`', '').trim(), name).toBe(text)
  }
})

test('shows the default grace period with its unit, and the default number of threads', async () => {
  const { stdout } = await holdfast(await folderWith({}), 'config')
  expect(stdout).toMatch(/^gracePeriod +1 d +default$/m)
  expect(stdout).toMatch(/^threads +[1-4] +default$/m)
})
