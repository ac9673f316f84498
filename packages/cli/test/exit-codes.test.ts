import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { holdfast } from './holdfast.ts'
import { checkpointFolder, lastLine, onStore } from './on-store.ts'

describe('exit codes', () => {
  test.each<[string, number, readonly string[]]>([
    ['no such step', 4, ['restore', '9', '--to', 'out']],
    ['an empty store', 4, ['--store', './other', 'restore', '--to', 'out']],
    ['a store that does not exist', 4, ['--store', './mistyped', 'verify']],
    ['a missing file of a checkpoint', 4, ['path', '1', 'nothing']],
    ['a step that exists', 6, ['save', 'checkpoint.pth', '--step', '1', '--tag', 'other']],
    ['an unknown command', 2, ['sav']],
    ['an unknown option', 2, ['save', 'checkpoint.pth', '--stepp', '3']],
    ['an option that is missing', 2, ['save', 'checkpoint.pth']],
    ['a file to save that does not exist', 2, ['save', 'no-such-file', '--step', '1']],
    ['an invalid step', 2, ['save', 'checkpoint.pth', '--step', 'x1']],
    ['an invalid metric', 2, ['save', 'checkpoint.pth', '--step', '9', '--metric', 'loss=low']],
    ['an unknown scheme', 2, ['--store', 'ftp://host/x', 'ls']],
    ['an adapter that is not installed', 2, ['--store', 's3://bucket/x', 'ls']],
    ['the last good checkpoint', 2, ['rm', '1']],
    ['an invalid choice', 2, ['show', 'newest']],
    ['a missing objective', 2, ['show', 'best']],
  ])('for %s is %i', async (_, code, words) => {
    const folder = await checkpointFolder()
    await onStore(folder, 'save', 'checkpoint.pth', '--step', '1')
    const chosen = words[0] === '--store' ? words : ['--store', './store', ...words]
    const outcome = await holdfast(folder, ...chosen)
    expect(outcome).toMatchObject({ code, stdout: '' })
    expect(outcome.stderr).not.toBe('')
    const json = await holdfast(folder, ...chosen, '--json')
    expect(json.code).toBe(code)
    expect(lastLine(json.stderr)).toMatchObject({ type: 'error', exitCode: code })
  })

  test('come with the nearest name for a misspelt command or option, and the package of a missing adapter', async () => {
    const folder = await checkpointFolder()
    expect((await onStore(folder, 'sav')).stderr).toContain('Did you mean save?')
    expect((await onStore(folder, 'save', 'x', '--stepp', '3')).stderr).toContain('Did you mean --step?')
    expect((await holdfast(folder, 'ls', '-s', 'gs://bucket/x')).stderr).toBe(
      'holdfast: gs:// requires @holdfast/adapter-gcs. Run: npm install @holdfast/adapter-gcs\n',
    )
  })

  test('show a refusal by an exclusive owner, which --take-over ends', async () => {
    const folder = await checkpointFolder()
    const { openStore } = await import('@holdfast/core')
    await using owner = await openStore(join(folder, 'store'))
    await owner.save({ step: 1, files: { a: Buffer.from('a') } })
    const refused = await onStore(folder, 'pin', '1')
    expect(refused).toMatchObject({ code: 6, stderr: expect.stringContaining('--take-over') as string })
    expect((await onStore(folder, 'ls')).code).toBe(0)
    expect((await onStore(folder, 'pin', '1', '--take-over')).code).toBe(0)
    await expect(owner.save({ step: 2, files: { a: Buffer.from('a') } })).rejects.toThrow(
      'Nothing was changed. Another writer took the store over',
    )
  })
})
