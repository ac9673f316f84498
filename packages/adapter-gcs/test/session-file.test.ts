import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startGcsEmulator } from '@holdfast/emulators'
import { startProxy } from '@holdfast/emulators/proxy'
import { isHoldfastError, processAt, sha256Hex } from '@holdfast/core/backend'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { GcsBackend } from '../src/index.ts'
import { chunk, quick, withScriptedStore } from './on-scripted-store.ts'

const emulator = await startGcsEmulator({ buckets: ['bucket'] })
/** Whether the network fails after four chunks of an upload. */
let isBroken = false
const proxy = await startProxy({
  target: emulator.endpoint,
  plan: ({ headers }) =>
    isBroken && Number(/^bytes (\d+)-/.exec(String(headers['content-range']))?.[1]) >= 4 * chunk
      ? { kind: 'reset' }
      : undefined,
})
afterAll(async () => {
  await proxy.close()
  await emulator.close()
})

const bytes = randomBytes(5 * chunk)
const sha256 = sha256Hex(bytes)
let state = ''

beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), 'holdfast-state-'))
  process.env['XDG_STATE_HOME'] = state
})

function backendAt(endpoint = proxy.url): GcsBackend {
  return new GcsBackend('bucket', 'r', { endpoint, chunkSize: chunk, retry: quick })
}

/** Puts the bytes until the network fails. */
async function interruptedPut(key: string): Promise<void> {
  isBroken = true
  const put = backendAt().put(key, source(), { size: bytes.byteLength, resume: { sha256 } })
  const failure: unknown = await put.catch((error: unknown) => error)
  expect(isHoldfastError(failure, 'UNAVAILABLE')).toBe(true)
  isBroken = false
  proxy.requests.clear()
}

function source() {
  return {
    async open(start: number) {
      return ReadableStream.from<Uint8Array>([bytes.subarray(start)])
    },
  }
}

async function sessionFiles(): Promise<readonly string[]> {
  const folder = join(state, 'holdfast', 'uploads')
  return (await readdir(folder)).map((name) => join(folder, name))
}

describe('the session of an interrupted put', () => {
  test('is remembered in a file that only this user can read, and nowhere in the store', async () => {
    await interruptedPut('private')
    const [path = '', ...others] = await sessionFiles()
    expect(others).toEqual([])
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect((await stat(join(path, '..'))).mode & 0o777).toBe(0o700)
    expect(await readFile(path, 'utf8')).toContain('upload_id=')
    const keys = await Array.fromAsync(backendAt().list(''), ({ key }) => key)
    expect(keys).toEqual([])
  })

  test.each([
    ['bytes', bytes],
    ['a stream', source()],
  ])('is continued by %s, and its file is removed', async (kind, from) => {
    await interruptedPut(`by ${kind}`)
    const stored = await backendAt().put(`by ${kind}`, from, {
      size: bytes.byteLength,
      resume: { sha256 },
    })
    expect(stored.resumedBytes).toBe(4 * chunk)
    const sent = [...proxy.requests].reduce((sum, { requestBytes }) => sum + requestBytes, 0)
    expect(sent).toBe(chunk)
    expect(await sessionFiles()).toEqual([])
  })

  test('is not continued if another user could have written its file', async () => {
    await interruptedPut('planted')
    const [path = ''] = await sessionFiles()
    await chmod(path, 0o644)
    const { resumedBytes } = await backendAt().put('planted', bytes, { resume: { sha256 } })
    expect(resumedBytes).toBe(0)
  })

  test('is not continued while the process that owns it runs', async () => {
    await interruptedPut('owned')
    const [path = ''] = await sessionFiles()
    const owner = JSON.stringify(await processAt(process.ppid))
    await writeFile(path, (await readFile(path, 'utf8')).replace(/}$/, `,"owner":${owner}}`))
    const { resumedBytes } = await backendAt().put('owned', bytes, { resume: { sha256 } })
    expect(resumedBytes).toBe(0)
    expect(await sessionFiles()).toEqual([path])
  })

  test('is replaced if its file is damaged, or the store has discarded it', async () => {
    await interruptedPut('damaged')
    const [path = ''] = await sessionFiles()
    for (const content of [
      '{',
      '{}',
      JSON.stringify({
        session: `${proxy.url}/upload/storage/v1/b/bucket/o?uploadType=resumable&upload_id=none`,
      }),
    ]) {
      await writeFile(path, content, { mode: 0o600 })
      const { resumedBytes } = await backendAt().put('damaged', bytes, { resume: { sha256 } })
      expect(resumedBytes).toBe(0)
    }
  })

  test('is discarded and not continued again if the store finds that it holds other bytes', async () => {
    await withScriptedStore(async (backend, store) => {
      store.fault = ({ headers }) =>
        headers['content-range']?.startsWith(`bytes ${chunk}-`) === true ? { take: 0 } : undefined
      const options = { size: bytes.byteLength, resume: { sha256 } }
      await expect(backend.put('other', source(), options)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
      expect(await sessionFiles()).toHaveLength(1)
      store.seen.splice(0)
      let isRefused = false
      store.fault = ({ headers }) => {
        if (isRefused || !/^bytes \d+-\d+\/\d/.test(headers['content-range'] ?? '')) return undefined
        isRefused = true
        return { status: 400, reason: 'invalid' }
      }
      const { resumedBytes } = await backend.put('other', source(), options)
      expect(isRefused).toBe(true)
      expect(resumedBytes).toBe(0)
      expect(store.seen.map(({ method }) => method).filter((method) => method !== 'PUT')).toEqual([
        'DELETE',
        'POST',
      ])
      expect(store.objects.get('r/other')?.bytes.equals(bytes)).toBe(true)
      expect(await sessionFiles()).toEqual([])
    })
  })

  test('is not remembered if the folder of the state cannot be created, and the put succeeds', async () => {
    await writeFile(join(state, 'holdfast'), 'in the way')
    const { size } = await backendAt().put('without', bytes, { resume: { sha256 } })
    expect(size).toBe(bytes.byteLength)
  })

  test('is not remembered in a file system that refuses new folders, and the put succeeds', async ({
    skip,
  }) => {
    if (process.platform !== 'linux') skip('only Linux has /proc')
    process.env['XDG_STATE_HOME'] = '/proc/nope'
    const { size } = await backendAt().put('nowhere', bytes, { resume: { sha256 } })
    expect(size).toBe(bytes.byteLength)
  })
})
