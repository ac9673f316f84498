import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, cp, mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type CheckpointChoice, type CheckpointStore, isHoldfastError, openStore } from '@holdfast/core'
import { describe, expect, test } from 'vitest'
import { everythingIn, temporaryFolder } from './folders.ts'

const writer = fileURLToPath(new URL('writer.ts', import.meta.url))

async function saveSteps(root: string, count: number): Promise<void> {
  await using store = await openStore(root, { mode: 'shared' })
  for (let step = 1; step <= count; step += 1) {
    await store.save({
      step,
      files: { 'model.bin': Buffer.alloc(5000, step), 'sub/log.txt': Buffer.from(`step ${step}`) },
    })
  }
}

async function stepsOf(store: CheckpointStore): Promise<readonly number[]> {
  return (await store.list()).map(({ step }) => step)
}

describe('the path of a file', () => {
  test('names a file of the store with the saved bytes', async () => {
    const root = await temporaryFolder()
    await saveSteps(root, 2)
    await using store = await openStore(root, { mode: 'shared' })
    const path = await store.localPath('latest', 'sub/log.txt')
    expect(path.startsWith(root)).toBe(true)
    expect(await readFile(path, 'utf8')).toBe('step 2')
    expect(await readFile(await store.localPath(1, 'sub/log.txt'), 'utf8')).toBe('step 1')
  })

  test.each<[CheckpointChoice, string, RegExp]>([
    [2, 'sub/log', /^Step 2 has no file "sub\/log"\. It has /],
    [2, '../../holdfast.json', /^Step 2 has no file /],
    [9, 'model.bin', /^There is no checkpoint of step 9 /],
    ['best', 'model.bin', /objective/],
  ])('is rejected if there is no such checkpoint or file: %j %j', async (choice, file, message) => {
    const root = await temporaryFolder()
    await saveSteps(root, 2)
    await using store = await openStore(root, { mode: 'shared' })
    await expect(store.localPath(choice, file)).rejects.toMatchObject({
      code: choice === 'best' ? 'INVALID_ARGUMENT' : 'NOT_FOUND',
      message: expect.stringMatching(message) as string,
    })
  })
})

describe('several processes on one store', () => {
  test('lists the 50 checkpoints of each of 8 processes that save in shared mode', async () => {
    const root = join(await temporaryFolder(), 'store')
    const outputs = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        promisify(execFile)(process.execPath, [writer, root, 'shared', String(index * 50), '50']),
      ),
    )
    for (const { stdout } of outputs) expect(stdout.trim().split('\n').at(-1)).toBe('done')
    await using store = await openStore(root, { mode: 'shared' })
    expect(await stepsOf(store)).toEqual(Array.from({ length: 400 }, (_, step) => step))
    expect((await store.verify()).good).toBe(true)
  })

  test('rejects an exclusive writer with FENCED that continues after another took over, and changes nothing', async () => {
    const root = join(await temporaryFolder(), 'store')
    const paused = spawn(process.execPath, [writer, root, 'exclusive', '0', '3'])
    const lines = createInterface({ input: paused.stdout })[Symbol.asyncIterator]()
    expect((await lines.next()).value).toBe('saved 0')
    paused.kill('SIGSTOP')
    await using store = await openStore(root)
    await store.save({ step: 100, files: { a: Buffer.from('superseded') } })
    const before = await everythingIn(root)
    paused.stdin.write('go on\n')
    paused.kill('SIGCONT')
    expect((await lines.next()).value).toBe('FENCED')
    expect(await everythingIn(root)).toEqual(before)
    expect(await stepsOf(store)).toEqual([0, 100])
  })
})

test('finds a flipped bit anywhere, never restores it, and loses one checkpoint at most', async () => {
  const folder = await temporaryFolder()
  const original = join(folder, 'original')
  await saveSteps(original, 3)
  const files = (await everythingIn(original)).filter((name) => /\.(json|bin|txt)$/.test(name))
  expect(files.length).toBe(1 + 4 + 3 * 3)
  for (const [index, name] of files.entries()) {
    const root = join(folder, `flipped-${index}`)
    await cp(original, root, { recursive: true })
    const bytes = await readFile(join(root, name))
    const at = (index * 7919) % bytes.byteLength
    bytes[at] = (bytes[at] ?? 0) ^ (1 << index % 8)
    await chmod(join(root, name), 0o600)
    await writeFile(join(root, name), bytes)
    await using store = await openStore(root, { mode: 'shared' })
    const good = await store.verify().then(
      (report) => report.good,
      (error: unknown) => !isHoldfastError(error, 'CORRUPT'),
    )
    expect(good, `${name} is flipped, and verify says it is good`).toBe(false)
    const to = join(folder, `restored-${index}`)
    const restored = await store.restore('latest', { to, fallback: true })
    expect([2, 3], name).toContain(restored?.step)
    expect(await readFile(join(to, 'model.bin'))).toEqual(Buffer.alloc(5000, restored?.step))
  }
})

test('works after the store was moved or copied', async () => {
  const folder = await temporaryFolder()
  await saveSteps(join(folder, 'here'), 2)
  await rename(join(folder, 'here'), join(folder, 'there'))
  await cp(join(folder, 'there'), join(folder, 'copy'), { recursive: true })
  for (const place of ['there', 'copy']) {
    await using store = await openStore(join(folder, place))
    await store.save({ step: 3, files: { a: Buffer.from(place) } })
    expect(await stepsOf(store)).toEqual([1, 2, 3])
    expect((await store.verify()).good).toBe(true)
    expect((await store.restore(1, { to: join(folder, `out-${place}`) }))?.step).toBe(1)
  }
})

test('stores the files of a checkpoint unchanged', async () => {
  const root = join(await temporaryFolder(), 'store')
  await saveSteps(root, 1)
  await using store = await openStore(root)
  for (const { key, size } of (await store.get(1))?.files ?? []) {
    expect((await stat(join(root, ...key.split('/')))).size).toBe(size)
  }
})

const isWindows = process.platform === 'win32'

test.skipIf(isWindows)(
  'keeps permission bits in the store and on restore, and never widens them',
  async () => {
    const folder = await temporaryFolder()
    const modes = {
      secret: 0o600,
      program: 0o755,
      'group-only': 0o640,
      'read-only': 0o400,
      privileged: 0o4755,
    }
    await mkdir(join(folder, 'out'))
    for (const [name, mode] of Object.entries(modes)) {
      await writeFile(join(folder, 'out', name), name)
      await chmod(join(folder, 'out', name), mode)
    }
    const root = join(folder, 'store')
    await using store = await openStore(root)
    const { files } = await store.save({ step: 1, files: join(folder, 'out') })
    await store.restore('latest', { to: join(folder, 'restored') })
    for (const { name, key } of files) {
      const mode = modes[name.slice('out/'.length) as keyof typeof modes] & 0o777
      const modeOf = async (...parts: readonly string[]): Promise<number> =>
        (await stat(join(...parts))).mode & 0o7777
      expect(await modeOf(root, ...key.split('/')), key).toBe(mode & 0o555)
      expect(await modeOf(folder, 'restored', ...name.split('/')), name).toBe(mode)
    }
  },
)

test.skipIf(isWindows)('never makes a private file readable when it replaces a readable one', async () => {
  const folder = await temporaryFolder()
  await writeFile(join(folder, 'token'), 'secret', { mode: 0o600 })
  await using store = await openStore(join(folder, 'store'))
  await store.save({ step: 1, files: join(folder, 'token') })
  await mkdir(join(folder, 'to'))
  await writeFile(join(folder, 'to', 'token'), 'public', { mode: 0o644 })
  await store.restore(1, { to: join(folder, 'to') })
  expect((await stat(join(folder, 'to', 'token'))).mode & 0o777).toBe(0o600)
})

test('falls back if a checkpoint lists a file that this store cannot have', async () => {
  const root = join(await temporaryFolder(), 'store')
  await saveSteps(root, 2)
  const [attempt = ''] = (await readdir(join(root, 'data'))).filter((name) => name.startsWith('2-'))
  const manifest = join(root, 'data', attempt, 'manifest.json')
  const sealed = await reseal(manifest, 'manifest', (text) =>
    text.replace('sub/log.txt', '.holdfast-tmp-0123456789abcdef'),
  )
  const version = (await readdir(join(root, 'catalog'))).toSorted().at(-1) ?? ''
  await reseal(join(root, 'catalog', version), 'catalog', (text) => {
    const catalog = JSON.parse(text) as { checkpoints: { step: number; manifest: object }[] }
    for (const entry of catalog.checkpoints) if (entry.step === 2) entry.manifest = sealed
    return JSON.stringify(catalog)
  })
  await using store = await openStore(root)
  const restored = await store.restore('latest', { to: join(root, '..', 'out'), fallback: true })
  expect(restored).toMatchObject({ step: 1, passedOver: [{ step: 2 }] })
})

/** Changes the body of a document, and seals it with a correct checksum. */
async function reseal(
  path: string,
  kind: string,
  change: (text: string) => string,
): Promise<{ readonly sha256: string; readonly size: number }> {
  const sealed = (await readFile(path, 'utf8')).trimEnd()
  const body = change(sealed.slice(sealed.indexOf(`"${kind}":`) + kind.length + 3, -1))
  const bytes = Buffer.from(`{"sha256":"${sha256(body)}","${kind}":${body}}\n`)
  await chmod(path, 0o600)
  await writeFile(path, bytes)
  return { sha256: sha256(bytes), size: bytes.byteLength }
}

function sha256(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
