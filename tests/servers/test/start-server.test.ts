import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import * as https from 'node:https'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { cacheFolder } from '../src/cache.ts'
import { isAvailable } from '../src/index.ts'
import { startFirst, startSecure } from '../src/start-server.ts'
import { emptyMachine, readyAtOnce, toyServer } from './toy-server.ts'

const failingDocker = 'process.exit(1)'
/** A fake Docker client. It accepts `info` and `pull`, and runs the toy server itself. The port is the last argument. */
const workingDocker = `
  const { createServer } = require('node:http')
  const [verb, ...rest] = process.argv.slice(2)
  if (verb === 'run') {
    if (!rest.includes('TOY=yes') || rest.at(-2) !== 'toy:2') process.exit(1)
    createServer((_, response) => response.end('ready')).listen(Number(rest.at(-1)), '127.0.0.1')
  }
`

test('prefers the server that the environment names', async () => {
  const machine = await emptyMachine({ TOY_ENDPOINT: 'http://far' }, workingDocker)
  const server = await startFirst(toyServer(), machine)
  expect(server).toMatchObject({
    how: 'environment',
    name: 'http://far',
    connection: { endpoint: 'http://far' },
  })
})

test('starts an installed server, which responds until it is stopped', async () => {
  const server = await startFirst(toyServer(), await emptyMachine({}, workingDocker))
  if (server.how === 'unavailable') throw new Error(server.reason)
  expect(server).toMatchObject({ how: 'installed', name: 'Toy', version: '1' })
  const { endpoint } = server.connection
  expect((await fetch(endpoint)).status).toBe(200)
  await server.stop()
  await expect(fetch(endpoint)).rejects.toThrow()
})

test('compiles a server only if that is allowed, and then always uses the compiled server', async () => {
  const machine = await emptyMachine()
  const toy = toyServer({ compiles: true })
  const refused = await startFirst(toy, machine)
  expect(refused).toMatchObject({ how: 'unavailable' })
  expect(refused).toHaveProperty('reason', expect.stringContaining('pnpm@12 test-servers install minio'))
  const compiling = { ...machine, environment: { ...machine.environment, HOLDFAST_TEST_INSTALL: '1' } }
  for (const each of [compiling, machine]) {
    const server = await startFirst(toy, each)
    expect(server.how).toBe('installed')
    if (server.how !== 'unavailable') await server.stop()
  }
})

test('starts a server in Docker if none is installed', async () => {
  const toy = toyServer({ compiles: true })
  const server = await startFirst(toy, await emptyMachine({}, workingDocker))
  if (server.how === 'unavailable') throw new Error(server.reason)
  expect(server).toMatchObject({ how: 'docker', name: 'Toy', version: '2' })
  expect((await fetch(server.connection.endpoint)).status).toBe(200)
  await server.stop()
})

test('returns the reasons if no server is available', async () => {
  const failing = toyServer({
    install: async () => {
      throw new Error('no network')
    },
  })
  const server = await startFirst(failing, await emptyMachine({}, failingDocker))
  expect(isAvailable(server)).toBe(false)
  expect(server).toMatchObject({
    reason: 'no environment variable names a server; no network; no Docker daemon is running',
  })
})

test('starts no server that has an emulator in a run without long tests, unless the environment names it', async () => {
  const machine = { ...(await emptyMachine({ CI: 'true' })), prefersEmulators: true }
  expect(await startFirst(toyServer(), machine)).toMatchObject({
    reason: 'it is used only by the long tests',
  })
  const named = { ...machine, environment: { TOY_ENDPOINT: 'http://far' } }
  expect(await startFirst(toyServer(), named)).toMatchObject({ how: 'environment' })
  const server = await startFirst(toyServer({ hasEmulator: false }), machine)
  expect(server.how).toBe('installed')
  if (server.how !== 'unavailable') await server.stop()
})

test('rejects in CI if no server is available', async () => {
  const machine = await emptyMachine({ CI: 'true' })
  const failing = toyServer({
    install: async () => {
      throw new Error('no network')
    },
  })
  await expect(startFirst(failing, machine)).rejects.toThrow('Toy is not available')
})

test('rejects with the end of the log if a server does not start', async () => {
  const broken = toyServer({ program: `console.error('the disk is read-only'); process.exitCode = 3` })
  const starting = startFirst(broken, await emptyMachine())
  await expect(starting).rejects.toThrow(/Toy 1 exited with 3 before it was ready.*\n.*the disk is read-only/)
})

test('starts a server again on another port if it exits at once, as it does if its port is taken', async () => {
  const program = `
    import { existsSync, writeFileSync } from 'node:fs'
    const tried = new URL('tried', import.meta.url)
    if (!existsSync(tried)) {
      writeFileSync(tried, '')
      process.exit(1)
    }
    ${readyAtOnce}
  `
  const server = await startFirst(toyServer({ program }), await emptyMachine())
  expect(server.how).toBe('installed')
  if (server.how !== 'unavailable') await server.stop()
})

test('stops a server with SIGTERM, and waits until it has written its data', async () => {
  const machine = await emptyMachine()
  const program = `
    import { createServer } from 'node:http'
    import { writeFileSync } from 'node:fs'
    const server = createServer((_, response) => response.end('ready'))
    server.listen(Number(process.argv[2]), '127.0.0.1')
    process.once('SIGTERM', () => {
      process.once('exit', () => writeFileSync(new URL('written', import.meta.url), ''))
      server.close()
      server.closeAllConnections()
    })
  `
  const server = await startFirst(toyServer({ program }), machine)
  if (server.how === 'unavailable') throw new Error(server.reason)
  await server.stop()
  expect(existsSync(join(cacheFolder(machine.environment), 'minio-1', 'written'))).toBe(true)
})

/** Returns the status of a response over TLS. Rejects unless an authority in `ca` has signed the certificate. */
function statusOf(url: string, ca: Buffer | undefined): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    https
      .get(url, { ...(ca === undefined ? {} : { ca }), agent: false }, (response) => {
        resolve(response.resume().statusCode)
      })
      .on('error', reject)
  })
}

test('starts a server with a chain of certificates that only clients with its authority trust', async ({
  skip,
}) => {
  skip(spawnSync('openssl', ['version']).status !== 0, 'this machine has no openssl')
  const program = `
    import { createServer } from 'node:https'
    import { readFileSync } from 'node:fs'
    const [cert, key] = ['cert', 'key'].map((name) => readFileSync(process.argv[3] + '/' + name))
    createServer({ cert, key }, (_, response) => response.end('ready')).listen(Number(process.argv[2]), '127.0.0.1')
  `
  const toy = toyServer({
    program,
    secure: {
      install: async ({ chain, key }, folder) => {
        await copyFile(chain, join(folder, 'cert'))
        await copyFile(key, join(folder, 'key'))
      },
      connection: (port) => ({
        endpoint: `https://localhost:${port}`,
        region: '',
        accessKeyId: '',
        secretAccessKey: '',
      }),
    },
  })
  const machine = await emptyMachine()
  const server = await startSecure(toy, {
    ...machine,
    environment: { ...machine.environment, PATH: process.env['PATH'] },
  })
  if (server.how === 'unavailable') throw new Error(server.reason)
  const { endpoint } = server.connection
  expect(await statusOf(endpoint, readFileSync(server.authority ?? ''))).toBe(200)
  await expect(statusOf(endpoint, undefined)).rejects.toThrow('unable to get local issuer certificate')
  await server.stop()
})
