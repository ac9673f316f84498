import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { openStore } from '@holdfast/core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { environment, holdfast, main } from './holdfast.ts'

let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-ui-'))
  await using store = await openStore(join(folder, 'store'), { config: false, mode: 'shared' })
  await store.save({ step: 5, files: { a: Buffer.from('a') }, metrics: { loss: 1 } })
})

afterAll(() => rm(folder, { recursive: true }))

test('serves the run to those who know the address, until it is interrupted', async () => {
  const words = [main, 'ui', '--store', 'store', '--json']
  const child = spawn(process.execPath, words, { cwd: folder, env: environment() })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const lines = createInterface({ input: child.stdout })
  const [line] = (await once(lines, 'line')) as [string]
  const { type, url } = JSON.parse(line) as { readonly type: string; readonly url: string }
  expect(type).toBe('serving')
  const { origin, hash } = new URL(url)
  expect(origin).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  const response = await fetch(`${origin}/run`, { headers: { authorization: `Bearer ${hash.slice(1)}` } })
  expect(await response.json()).toMatchObject({ name: 'store', checkpoints: [{ step: 5 }] })
  expect((await fetch(`${origin}/run`)).status).toBe(401)
  child.kill('SIGINT')
  expect(await once(child, 'exit')).toEqual([0, null])
})

test('says that a port is taken', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
  })
  const { port } = server.address() as AddressInfo
  expect(await holdfast(folder, 'ui', '--store', 'store', '--port', String(port))).toMatchObject({
    code: 1,
    stderr: `holdfast: Another program uses port ${port} of 127.0.0.1. Pass another --port, or none for a free one.\n`,
  })
})

test('rejects a port that does not exist', async () => {
  expect(await holdfast(folder, 'ui', '--store', 'store', '--port', '70000')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('It must be a whole number from 0 to 65535.') as string,
  })
})

test('shows all runs below a prefix, and changes one of them with --write', async () => {
  const child = spawn(process.execPath, [main, 'ui', '.', '--write', '--price', '2', '--json'], {
    cwd: folder,
    env: environment(),
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  const { url } = JSON.parse(line) as { readonly url: string }
  const { origin, hash } = new URL(url)
  const headers = { authorization: `Bearer ${hash.slice(1)}`, origin, 'content-type': 'application/json' }
  const runs = await fetch(`${origin}/runs`, { headers })
  expect(await runs.json()).toMatchObject({ price: 2, runs: [{ name: 'store', checkpoints: 1 }] })
  const change = { kind: 'pin', step: 5, reason: 'look' }
  const post = async (path: string, body: object): Promise<Response> =>
    fetch(`${origin}${path}?run=store`, { method: 'POST', headers, body: JSON.stringify(body) })
  const { digest } = (await (await post('/plan', change)).json()) as { readonly digest: string }
  expect((await post('/change', { ...change, confirmed: digest })).status).toBe(200)
  await using store = await openStore(join(folder, 'store'), { config: false, mode: 'shared' })
  expect((await store.list())[0]?.pinned?.reason).toBe('look')
  child.kill('SIGINT')
  expect(await once(child, 'exit')).toEqual([0, null])
})

test('refuses a price without a prefix', async () => {
  const outcome = await holdfast(folder, 'ui', '--store', 'store', '--price', '2')
  expect(outcome).toMatchObject({ code: 2, stdout: '' })
  expect(outcome.stderr).toContain('Pass a prefix: holdfast ui PREFIX --price')
})

test('notes that there is no store yet, and how to reach the page over SSH', async () => {
  const child = spawn(process.execPath, [main, 'ui', '--store', 'typo'], {
    cwd: folder,
    env: { ...environment(), SSH_CONNECTION: '192.0.2.1 1 192.0.2.2 22' },
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString()
  })
  const lines: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line)
    if (line.includes('ssh -L')) child.kill('SIGINT')
  }
  expect(lines.at(-1)).toMatch(/ssh -L (\d+):127\.0\.0\.1:\1 THIS_HOST$/)
  expect(errors).toContain('There is no store at file:')
})

test('shows the advice of the command line, and no parameter of the prefix', async () => {
  const damaged = await mkdtemp(join(tmpdir(), 'holdfast-ui-damaged-'))
  onTestFinished(() => rm(damaged, { recursive: true }))
  await using store = await openStore(join(damaged, 'run'), { config: false, mode: 'shared' })
  await store.save({ step: 1, files: { a: Buffer.from('a') } })
  for (const name of await readdir(join(damaged, 'run/catalog')))
    await writeFile(join(damaged, 'run/catalog', name), 'damaged')
  const child = spawn(process.execPath, [main, 'ui', '.', '--json'], { cwd: damaged, env: environment() })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  const { origin, hash } = new URL((JSON.parse(line) as { readonly url: string }).url)
  const headers = { authorization: `Bearer ${hash.slice(1)}` }
  const { runs } = (await (await fetch(`${origin}/runs`, { headers })).json()) as {
    readonly runs: readonly { readonly problem: string }[]
  }
  expect(runs[0]?.problem).toContain('holdfast repair --store')
  expect(runs[0]?.problem).not.toContain('store.repair()')
  const answer = await fetch(`${origin}/run?run=run`, { headers })
  expect(await answer.text()).not.toContain('store.repair()')
})
