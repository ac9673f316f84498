import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { cacheFolder } from '../src/cache.ts'
import { isAvailable } from '../src/index.ts'
import { startFirst } from '../src/start-server.ts'
import { emptyMachine, readyAtOnce, toyServer } from './toy-server.ts'

const answersNothing = 'process.exit(1)'
/** Answers `info` and `pull`, and runs the toy itself; the arguments end with the image and the port. */
const workingDocker = `
  const { createServer } = require('node:http')
  const [verb, ...rest] = process.argv.slice(2)
  if (verb === 'run') {
    if (!rest.includes('TOY=yes') || rest.at(-2) !== 'toy:2') process.exit(1)
    createServer((_, response) => response.end('ready')).listen(Number(rest.at(-1)), '127.0.0.1')
  }
`

test('a server of the environment comes first, and is not stopped by us', async () => {
  const machine = await emptyMachine({ TOY_ENDPOINT: 'http://far' }, workingDocker)
  const server = await startFirst(toyServer(), machine)
  expect(server).toMatchObject({
    how: 'environment',
    name: 'http://far',
    connection: { endpoint: 'http://far' },
  })
})

test('then one that is installed: it answers when it is started, and no more when it is stopped', async () => {
  const server = await startFirst(toyServer(), await emptyMachine({}, workingDocker))
  if (server.how === 'unavailable') throw new Error(server.reason)
  expect(server).toMatchObject({ how: 'installed', name: 'Toy', version: '1' })
  const { endpoint } = server.connection
  expect((await fetch(endpoint)).status).toBe(200)
  await server.stop()
  await expect(fetch(endpoint)).rejects.toThrow()
})

test('it is compiled only in CI, or when that is asked for; once compiled it is always used', async () => {
  const machine = await emptyMachine()
  const toy = toyServer({ compiles: true })
  const refused = await startFirst(toy, machine)
  expect(refused).toMatchObject({ how: 'unavailable' })
  expect(refused).toHaveProperty('reason', expect.stringContaining('pnpm test-servers install minio'))
  const asked = { ...machine, environment: { ...machine.environment, HOLDFAST_TEST_INSTALL: '1' } }
  for (const each of [asked, machine]) {
    const server = await startFirst(toy, each)
    expect(server.how).toBe('installed')
    if (server.how !== 'unavailable') await server.stop()
  }
})

test('then one in Docker', async () => {
  const toy = toyServer({ compiles: true })
  const server = await startFirst(toy, await emptyMachine({}, workingDocker))
  if (server.how === 'unavailable') throw new Error(server.reason)
  expect(server).toMatchObject({ how: 'docker', name: 'Toy', version: '2' })
  expect((await fetch(server.connection.endpoint)).status).toBe(200)
  await server.stop()
})

test('where there is none, every way says why it was not open', async () => {
  const failing = toyServer({
    install: async () => {
      throw new Error('no network')
    },
  })
  const server = await startFirst(failing, await emptyMachine({}, answersNothing))
  expect(isAvailable(server)).toBe(false)
  expect(server).toMatchObject({ reason: 'the environment names none; no network; no Docker daemon answers' })
})

test('in a run without long tests an emulator replaces one, unless the environment names it', async () => {
  const machine = { ...(await emptyMachine({ CI: 'true' })), prefersEmulators: true }
  expect(await startFirst(toyServer(), machine)).toMatchObject({ reason: 'it runs with the long tests' })
  const named = { ...machine, environment: { TOY_ENDPOINT: 'http://far' } }
  expect(await startFirst(toyServer(), named)).toMatchObject({ how: 'environment' })
  const server = await startFirst(toyServer({ hasEmulator: false }), machine)
  expect(server.how).toBe('installed')
  if (server.how !== 'unavailable') await server.stop()
})

test('in CI there must be one', async () => {
  const machine = await emptyMachine({ CI: 'true' })
  const failing = toyServer({
    install: async () => {
      throw new Error('no network')
    },
  })
  await expect(startFirst(failing, machine)).rejects.toThrow('In CI the tests need a real Toy')
})

test('one that does not start is an error, with the end of its log', async () => {
  const broken = toyServer({ program: `console.error('the disk is read-only'); process.exitCode = 3` })
  const starting = startFirst(broken, await emptyMachine())
  await expect(starting).rejects.toThrow(/Toy 1 ended with 3 before it was ready.*\n.*the disk is read-only/)
})

test('it is started again on another port where it ends at once, as for a port that is taken', async () => {
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

test('it has the time to write down what it holds: it is asked to end, and waited for', async () => {
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
