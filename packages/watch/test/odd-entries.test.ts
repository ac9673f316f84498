import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { digestOfFiles } from '../src/folder/content-digest.ts'
import { takeSnapshot } from '../src/folder/snapshot.ts'
import { importFolder, watchFolder } from '../src/index.ts'
import { torchFile } from './archives.ts'
import { Watched } from './harness.ts'
import { Runs } from './run-harness.ts'

/** More folders than a snapshot follows, one in the other. */
const deep = Array<string>(40).fill('a').join('/')

describe('a folder that cannot be read', () => {
  test('is ignored if nothing shows that it is a checkpoint', async () => {
    const watched = await Watched.begin()
    await watched.write(`lost+found/${deep}/file`, 'no checkpoint')
    await watched.write('step_1.pth', torchFile('a'))
    expect(await watched.settle()).toEqual(['step_1.pth'])
    expect(watched.told('failed')).toEqual([])
  })

  test('is reported once if its name has a number, and others are saved', async () => {
    const watched = await Watched.begin({ layout: 'numbered' })
    await watched.write(`step_1/${deep}/file`, 'too deep')
    await watched.write('step_2/model.bin', 'weights')
    expect(await watched.settle()).toEqual(['step_2'])
    expect(watched.told('failed')).toMatchObject([{ name: 'step_1', error: { code: 'INVALID_ARGUMENT' } }])
    await rm(watched.path('step_1'), { recursive: true })
    await watched.write('step_1/model.bin', 'weights')
    expect(await watched.settle()).toEqual(['step_1'])
  })

  test('is reported although no layout is recognised', async () => {
    const watched = await Watched.begin()
    await watched.write(`checkpoint-7/${deep}/file`, 'too deep')
    expect(await watched.settle()).toEqual([])
    expect(watched.told('failed')).toMatchObject([{ name: 'checkpoint-7' }])
    await watched.write('epoch=1-step=4.ckpt', torchFile('a'))
    expect(await watched.settle()).toEqual(['epoch=1-step=4.ckpt'])
    expect(watched.told('layout')).toMatchObject([{ layout: 'lightning' }])
  })

  test('is a failure of an import, which saves the others', async () => {
    const watched = await Watched.begin()
    await watched.write(`step_1/${deep}/file`, 'too deep')
    await watched.write('step_2/model.bin', 'weights')
    const options = { layout: 'numbered', clock: watched.clock } as const
    expect(await importFolder(watched.store, watched.folder, options)).toMatchObject({
      adopted: ['step_2'],
      failed: [{ name: 'step_1', error: { code: 'INVALID_ARGUMENT' } }],
    })
  })

  test('does not matter at the end of a run that has saved a later checkpoint, nor of the next run', async () => {
    const runs = await Runs.begin()
    await mkdir(runs.path(`step_1/${deep}`), { recursive: true })
    await writeFile(runs.path(`step_1/${deep}/file`), 'too deep')
    expect(await runs.run('save 2; save 3')).toMatchObject({ exitCode: 0, unsaved: [] })
    expect(await runs.steps()).toEqual([2, 3])
    expect(await runs.run(':')).toMatchObject({ exitCode: 0, unsaved: [] })
    expect(runs.told('failed').map(({ name }) => name)).toEqual(['step_1', 'step_1'])
  })

  test('does not matter if the later checkpoint is deleted from the folder', async () => {
    const runs = await Runs.begin()
    await mkdir(runs.path(`step_1/${deep}`), { recursive: true })
    await writeFile(runs.path(`step_1/${deep}/file`), 'too deep')
    const report = await runs.run(
      'save 2; mkfifo "$out/.go"; read _ < "$out/.go"; rm -r "$out/step_2"',
      {},
      ({ type }) => {
        if (type === 'adopted') writeFileSync(runs.path('.go'), '\n')
      },
    )
    expect(report).toMatchObject({ exitCode: 0, unsaved: [] })
  })

  test('does not matter to a watch that has saved and consumed a later checkpoint', async () => {
    const watched = await Watched.begin()
    await watched.write(`step_1/${deep}/file`, 'too deep')
    await watched.write('step_2/model.bin', 'weights')
    const ended = new AbortController()
    const { adopted, unsaved } = await watchFolder(watched.store, watched.folder, {
      layout: 'numbered',
      longQuietPeriod: 0,
      consume: true,
      until: ended.signal,
      onEvent: ({ type }) => {
        if (type === 'consumed') ended.abort()
      },
    })
    expect({ adopted, unsaved }).toEqual({ adopted: ['step_2'], unsaved: [] })
  })

  test('neither keeps a program from its start nor replaces its exit code', async () => {
    const runs = await Runs.begin()
    await mkdir(runs.path(`step_9/${deep}`), { recursive: true })
    await writeFile(runs.path(`step_9/${deep}/file`), 'too deep')
    const report = await runs.run('save 1; exit 7', { restarts: 0 })
    expect(report).toMatchObject({ exitCode: 7, unsaved: [{ name: 'step_9' }] })
    expect(await runs.steps()).toEqual([1])
    expect(await runs.names()).toEqual(['step_1', 'step_9'])
  })
})

describe('an entry of a checkpoint that cannot be saved', () => {
  const layout = { pattern: 'step_{step}/', completeWhen: 'DONE' }
  const links = [
    ['leads nowhere', '/no/such/file'],
    ['leads to itself', 'link'],
    ['leads to its own folder', '.'],
    ['leads to the watched folder', '..'],
    ['leads to the root', '/'],
  ] as const

  test.each(links)('is omitted and reported if it is a link that %s', async (_, target) => {
    const watched = await Watched.begin({ layout })
    await watched.write('step_1/model/weights.bin', 'weights')
    await symlink(target, watched.path('step_1/link'))
    await watched.write('step_1/DONE', '')
    expect(await watched.settle()).toEqual(['step_1'])
    expect(watched.told('omitted')).toEqual([{ type: 'omitted', name: 'step_1', entries: ['link'] }])
    const names = (await watched.store.get(1))?.files.map(({ name }) => name)
    expect(names).toEqual(['step_1/DONE', 'step_1/model/weights.bin'])
  })

  test('is omitted without being opened if it is a pipe', async () => {
    const watched = await Watched.begin({ layout: 'numbered' })
    await watched.write('step_1/model.bin', 'weights')
    execFileSync('mkfifo', [watched.path('step_1/pipe')])
    expect(await watched.settle()).toEqual(['step_1'])
    expect(watched.told('omitted')).toMatchObject([{ entries: ['pipe'] }])
  })

  test('is not omitted if it is a link to a folder beside the checkpoint', async () => {
    const watched = await Watched.begin({ layout })
    await watched.write('shared/tokenizer.json', '{}')
    await mkdir(watched.path('step_1'))
    await symlink('../shared', watched.path('step_1/tokenizer'))
    await watched.write('step_1/DONE', '')
    expect(await watched.settle()).toEqual(['step_1'])
    expect(String(await watched.bytesOf(1, 'step_1/tokenizer/tokenizer.json'))).toBe('{}')
    expect(watched.told('omitted')).toEqual([])
  })
})

describe('a name that is not UTF-8', () => {
  const cases = [
    ['of a file', 'caf\u00E9'],
    ['of a folder', 'caf\u00E9/model.bin'],
  ] as const

  test.each(cases)('%s in a checkpoint is reported, and others are saved', async (_, name) => {
    const watched = await Watched.begin({ layout: { pattern: 'step_{step}/', completeWhen: 'DONE' } })
    await watched.write('step_1/DONE', '')
    const [first = '', ...rest] = name.split('/')
    const path = (part: string): Buffer => Buffer.from(join(watched.path('step_1'), part), 'latin1')
    if (rest.length > 0) await mkdir(path(first))
    await writeFile(path(name), 'weights')
    await watched.write('step_2/DONE', '')
    expect(await watched.settle()).toEqual(['step_2'])
    expect(watched.told('failed')).toMatchObject([{ name: 'step_1', error: { code: 'INVALID_ARGUMENT' } }])
    expect(watched.told('failed')[0]?.error.message).toContain('not valid UTF-8')
  })

  test('of a checkpoint is reported', async () => {
    const watched = await Watched.begin()
    await writeFile(Buffer.from(watched.path('epoch=1-\u00E9=2.ckpt'), 'latin1'), torchFile('a'))
    expect(await watched.settle()).toEqual([])
    expect(watched.told('failed')).toMatchObject([{ error: { code: 'INVALID_ARGUMENT' } }])
  })
})

test('rejects with ABORTED if the caller stops a comparison of files', async () => {
  const watched = await Watched.begin()
  await watched.write('step_1.pth', torchFile('a'))
  const name = 'step_1.pth'
  const candidate = { name, path: watched.path(name), isFolder: false, captured: { metrics: {} } }
  const snapshot = await takeSnapshot(candidate)
  if (snapshot === undefined) throw new Error(`${name} is missing`)
  const comparing = digestOfFiles(snapshot, AbortSignal.abort(new Error('interrupted')))
  await expect(comparing).rejects.toMatchObject({ code: 'ABORTED' })
})
