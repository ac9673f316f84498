import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { allowsSlowInstalls, cacheFolder, installInto, run } from '@holdfast/test-servers'
import { installPacked } from './packed.ts'

const packages = ['next@16.4.6', 'react@19.2.3', 'react-dom@19.2.3']
const environment = { ...process.env, NEXT_TELEMETRY_DISABLED: '1' }

/**
 * Returns the folder of the cache that contains Next.js. It has 340 MB, so it is installed only in CI or with
 * `HOLDFAST_TEST_INSTALL=1`. Otherwise rejects with that reason.
 */
export async function installedNext(): Promise<string> {
  const folder = join(cacheFolder(process.env), 'next-16.4.6')
  if (!existsSync(folder) && !allowsSlowInstalls(process.env))
    throw new Error(
      'Next.js is not installed; run the test with HOLDFAST_TEST_INSTALL=1, which downloads 340 MB',
    )
  await installInto(folder, async (temporary) => {
    await run('npm', ['install', '--no-audit', '--no-fund', '--no-save', '--prefix', temporary, ...packages])
  })
  return folder
}

/** A project of Next.js. It is removed when it is disposed of. */
export interface NextProject extends AsyncDisposable {
  readonly folder: string
}

/** Creates a project below the folder of Next.js, with core and an adapter as npm would install them. */
export async function newProject(nextFolder: string): Promise<NextProject> {
  await mkdir(join(nextFolder, 'projects'), { recursive: true })
  const folder = await mkdtemp(join(nextFolder, 'projects', 'project-'))
  try {
    await fillProject(folder)
  } catch (error) {
    await rm(folder, { recursive: true })
    throw error
  }
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) }
}

async function fillProject(folder: string): Promise<void> {
  await cp(fileURLToPath(new URL('../../programs/next', import.meta.url)), folder, { recursive: true })
  await installPacked(folder, ['core', 'adapter-fs'])
}

/** Builds a project. `options` are those of its configuration, as source code. */
export async function buildWithNext(folder: string, options: string): Promise<void> {
  const root = "turbopack: { root: join(import.meta.dirname, '..', '..') }"
  const source = `import { join } from 'node:path'\nexport default { ${root}, ${options} }\n`
  await writeFile(join(folder, 'next.config.js'), source)
  await run(process.execPath, [nextIn(folder), 'build'], { directory: folder, environment })
}

/** A server of a built project. It is ended when it is disposed of. */
export interface NextServer extends AsyncDisposable {
  readonly url: string
}

/** Starts the server of a built project at a free port. */
export async function startNext(folder: string): Promise<NextServer> {
  const words = [nextIn(folder), 'start', '--hostname', '127.0.0.1', '--port', '0']
  const server = spawn(process.execPath, words, {
    cwd: folder,
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(server, 'close')
  const url = await readyUrl(server.stdout)
  server.stdout.resume() // the server must not wait for a reader
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      server.kill()
      await ended
    },
  }
}

/** Returns the URL that a server prints before it is ready. */
async function readyUrl(stdout: Readable): Promise<string> {
  let output = ''
  for await (const line of createInterface({ input: stdout })) {
    output += `${line}\n`
    const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(output) ?? []
    if (url !== undefined && line.includes('Ready')) return url
  }
  throw new Error(`next start ended before it was ready:\n${output}`)
}

function nextIn(folder: string): string {
  return join(folder, '..', '..', 'node_modules', 'next', 'dist', 'bin', 'next')
}
