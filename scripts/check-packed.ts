/**
 * Checks every package as npm would publish it: its metadata (publint) and its types (are-the-types-wrong). Then installs
 * all packages into an empty project, type-checks and runs the first example of the README there, and runs the command
 * lines.
 */
import { deepStrictEqual } from 'node:assert'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, posix } from 'node:path'
import { root } from './parts/checkout.ts'
import { commandOn } from './parts/command-on-platform.ts'
import { run } from './parts/run-program.ts'

interface PackageJson {
  readonly name: string
  readonly version: string
  readonly private?: boolean
  readonly exports: Readonly<Record<string, unknown>>
  readonly author?: string
  readonly license?: string
  readonly homepage?: string
  readonly bugs?: unknown
  readonly repository?: unknown
  readonly keywords?: readonly string[]
}

/** What the published types must refuse. The import adds the options of an adapter to the known ones of core. */
const checkedTypes = `
import { openStore } from '@holdfast/core'
import type {} from '@holdfast/adapter-s3'
await openStore('s3://bucket/a', { backend: { region: 'eu-west-1', retry: { maxDelay: '30 s' } } })
// @ts-expect-error the option is region
await openStore('s3://bucket/a', { backend: { regoin: 'eu-west-1' } })
// @ts-expect-error a folder has no region
await openStore('./runs/a', { backend: { region: 'eu-west-1' } })
// @ts-expect-error there is no such unit
await openStore('./runs/a', { gracePeriod: '2 hours' })
const objectives = { loss: { metric: 'loss', direction: 'min' } } as const
const store = await openStore('./runs/a', { objectives })
// @ts-expect-error there is no objective lss
await store.best('lss')
`

const repository = 'https://github.com/holdfast-checkpoints/holdfast'
const folder = mkdtempSync(join(tmpdir(), 'holdfast-packed-'))
const published = readdirSync(join(root, 'packages'))
  .map((name) => join(root, 'packages', name))
  .filter((path) => readPackage(path).private !== true)

try {
  inEmptyProject(published.map((path) => pack(path)))
} finally {
  rmSync(folder, { recursive: true })
}
const names = published.map((path) => readPackage(path).name)
console.log(`${names.length} packages can be published: ${names.join(', ')}`)

/** Packs a package as a release does, and checks the tarball. pnpm adds the licence file of the root. */
function pack(path: string): string {
  const { name, exports } = readPackage(path)
  const tarball = join(folder, `${name.replaceAll(/[@/]/g, '-')}.tgz`)
  run(path, 'pnpm', 'pack', '--out', tarball)
  run(root, 'publint', tarball, '--strict')
  if ('.' in exports) run(root, 'attw', tarball, '--profile', 'esm-only')
  refuseUsing(path)
  refuseOtherMetadata(path)
  return tarball
}

/** Throws unless the metadata of a package has the common author and licence, and the package's own URLs. */
function refuseOtherMetadata(path: string): void {
  const directory = `packages/${basename(path)}`
  const { author, license, homepage, bugs, repository: named, keywords = [] } = readPackage(path)
  deepStrictEqual(
    { author, license, homepage, bugs, repository: named },
    {
      author: 'The Holdfast authors',
      license: 'Apache-2.0',
      homepage: `${repository}/tree/main/${directory}#readme`,
      bugs: { url: `${repository}/issues` },
      repository: { type: 'git', url: `git+${repository}.git`, directory },
    },
    `The metadata in ${directory}/package.json differs from the metadata that every package must have`,
  )
  deepStrictEqual(
    keywords.slice(0, 2),
    ['checkpoint', 'holdfast'],
    `The keywords in ${directory}/package.json must begin with checkpoint and holdfast`,
  )
}

/** Throws if a bundle contains `using`, which Node.js 22 cannot parse. The Node.js of this check can, so it checks. */
function refuseUsing(path: string): void {
  const bundle = join(path, 'bundle')
  if (!existsSync(bundle)) return
  for (const name of readdirSync(bundle)) {
    if (name.endsWith('.js') && /^\s*(await )?using \w+ =/m.test(readFileSync(join(bundle, name), 'utf8')))
      throw new Error(
        `${join(bundle, name)} contains using, which Node.js 22 cannot parse. Compile it in bundle.ts.`,
      )
  }
}

/** Returns a program that fails unless a thread of the published core receives and sends. The main thread would do so with a warning. */
function transfersInThreads(): string {
  return `
import { createServer } from 'node:http'
import { DirectTransfers } from '@holdfast/core/connections'
process.on('warning', (warning) => { throw warning })
const server = createServer((request, response) =>
  request.method === 'PUT' ? request.pipe(response) : response.end('received'))
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const { port } = server.address()
const request = { protocol: 'http:', host: '127.0.0.1', port, path: '/', headers: { host: 'a' } }
const transfers = new DirectTransfers({}, 2)
const response = await transfers.receiver(true).get(request)
const pool = { bytes: 8, take: () => Buffer.from(new SharedArrayBuffer(8)), give() {} }
const [chunk] = await Array.fromAsync(response.body.into(pool))
if (String(Buffer.from(chunk)) !== 'received') throw new Error('The thread received other bytes')
const sent = Buffer.from(new SharedArrayBuffer(4))
sent.write('sent')
const { body } = await transfers.sender.send({ ...request, method: 'PUT', body: sent })
if (String(Buffer.from(body)) !== 'sent') throw new Error('The thread sent other bytes')
transfers.destroy()
server.close()
server.closeAllConnections()
`
}

function inEmptyProject(packed: readonly string[]): void {
  const project = join(folder, 'project')
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly devDependencies: Readonly<Record<string, string>>
  }
  const tools = ['typescript', '@types/node'].map((name) => `${name}@${devDependencies[name] ?? 'latest'}`)
  run(project, 'npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', ...packed, ...tools)
  for (const { name } of published.map((path) => readPackage(path))) {
    if (!existsSync(join(project, 'node_modules', name, 'LICENSE'))) throw new Error(`${name} has no LICENSE`)
  }
  for (const entryPoint of published.flatMap((path) => entryPointsOf(path)))
    run(project, process.execPath, '--eval', `await import('${entryPoint}')`)
  writeFileSync(join(project, 'threads.js'), transfersInThreads())
  run(project, process.execPath, 'threads.js')
  writeFileSync(join(project, 'example.ts'), firstExample())
  const flags = [
    '--strict',
    '--noEmit',
    '--skipLibCheck',
    'false',
    '--module',
    'nodenext',
    '--target',
    'es2024',
  ]
  run(project, 'npx', 'tsc', ...flags, '--lib', 'es2024,esnext.disposable', '--types', 'node', 'example.ts')
  writeFileSync(join(project, 'types.ts'), checkedTypes)
  const checks = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2024']
  run(project, 'npx', 'tsc', ...checks, '--types', 'node', 'types.ts')
  const printed = run(project, process.execPath, 'example.ts')
  if (!printed.includes('best: step'))
    throw new Error(`The first example of README.md must print "best: step", but printed: ${printed}`)
  const { version } = readPackage(join(root, 'packages', 'cli'))
  const printedVersion = run(project, 'npx', 'holdfast', '--version').trim()
  if (printedVersion !== version)
    throw new Error(`holdfast --version printed ${printedVersion}, not ${version}`)
  const listed = run(project, 'npx', 'holdfast', 'ls', '--store', './runs/a')
  if (!listed.includes('3 checkpoints'))
    throw new Error(`holdfast ls must print "3 checkpoints", but printed: ${listed}`)
  refuseSlowStart(project, 2, '--version')
  refuseSlowStart(project, 12, 'ls', '--store', './runs/a')
  // The command line, core and the adapter have separate bundles, and must still recognize each other's errors.
  expectExitCode(project, 4, 'holdfast', 'show', '99', '--store', './runs/a')
  expectExitCode(project, 2, 'holdfast', 'ls', '--store', './package.json')
  const conformance = run(project, 'npx', 'holdfast-conformance', './runs/b', '--only', 'commit')
  if (!conformance.includes('cases ran, and passed'))
    throw new Error(`holdfast-conformance did not pass. It printed: ${conformance}`)
}

/** Returns a module that prints at the end how many files of packages a program loaded, and whether it loaded TLS. */
function watchingLoads(): string {
  const code = `
import { registerHooks } from 'node:module'
let files = 0
registerHooks({ load(url, context, load) { files += url.includes('/node_modules/') ? 1 : 0; return load(url, context) } })
process.on('exit', () => {
  console.log('files:', files)
  console.log('tls:', process.moduleLoadList.includes('NativeModule tls'))
})
`
  return `data:text/javascript,${encodeURIComponent(code)}`
}

/**
 * Throws if a command loads more files, or TLS. Each file takes about a millisecond of a start, and TLS reads all root
 * certificates. See `codeSplitting` in bundle.ts.
 */
function refuseSlowStart(project: string, most: number, ...words: readonly string[]): void {
  const main = join('node_modules', 'holdfast', 'bundle', 'main.js')
  const printed = run(project, process.execPath, '--import', watchingLoads(), main, ...words)
  const files = Number(/^files: (\d+)$/m.exec(printed)?.[1])
  if (!(files > 0 && files <= most))
    throw new Error(`holdfast ${words.join(' ')} must load at most ${most} files, but loaded ${files}`)
  if (!printed.includes('tls: false')) throw new Error(`holdfast ${words.join(' ')} must not load TLS`)
}

/** Returns the entry points of a package, such as `@holdfast/core/data`. */
function entryPointsOf(path: string): readonly string[] {
  const { name, exports } = readPackage(path)
  return Object.keys(exports)
    .filter((entryPoint) => !/\*|json$/.test(entryPoint))
    .map((entryPoint) => posix.join(name, entryPoint))
}

/** Runs a command that must fail. Throws unless its exit code is the expected one. */
function expectExitCode(
  directory: string,
  wanted: number,
  command: string,
  ...words: readonly string[]
): void {
  const { file, args, shell } = commandOn(process.platform, 'npx', [command, ...words])
  const { status, stderr } = spawnSync(file, args, { cwd: directory, encoding: 'utf8', shell })
  if (status !== wanted)
    throw new Error(`${command} ${words.join(' ')} ended with ${status}, not ${wanted}: ${stderr}`)
}

/** Returns the first example of the README: the block of code after the comment `example: first`. */
function firstExample(): string {
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  const example = /<!-- example: first -->\s*```ts\n(.*?)```/s.exec(readme)?.[1]
  if (example === undefined)
    throw new Error('README.md must have a block of TypeScript after <!-- example: first -->.')
  return example
}

function readPackage(path: string): PackageJson {
  return JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as PackageJson
}
