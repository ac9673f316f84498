import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { environment, main, type Outcome } from './holdfast.ts'
import { workFolder } from './work-folder.ts'

/** Runs a line of shell in which `$holdfast` is the command line. */
async function shell(folder: string, line: string): Promise<Outcome> {
  const env = { ...environment(), holdfast: `${process.execPath} ${main}` }
  return new Promise((resolve) => {
    execFile('bash', ['-o', 'pipefail', '-c', line], { cwd: folder, env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : (error.code ?? null), stdout, stderr })
    })
  })
}

test.skipIf(process.platform !== 'linux')('reports a full standard output and still saves', async () => {
  const folder = await workFolder()
  expect(await shell(folder, '$holdfast -s store save w.bin --step 1 > /dev/full')).toEqual({
    code: 1,
    stdout: '',
    stderr:
      'holdfast: The result could not be written to standard output: ENOSPC: no space left on device, write.\n',
  })
  expect((await shell(folder, '$holdfast -s store ls --json')).stdout).toContain('"checkpoints":1')
})

test('finishes a save after the reader of its output has closed the pipe', async () => {
  const folder = await workFolder()
  const line = '$holdfast -s store save w.bin --step 1 --keep-last 1 | true'
  const { code, stderr } = await shell(folder, `${line}; ${line.replace('--step 1', '--step 2')}`)
  expect([code, stderr]).toEqual([0, ''])
  expect(await readdir(join(folder, 'store', 'data'))).toHaveLength(1)
})

test.skipIf(process.platform === 'win32')(
  'reports a deleted working folder if the command needs it',
  async () => {
    const folder = await workFolder()
    await shell(folder, '$holdfast -s store save w.bin --step 1')
    const gone = 'mkdir gone; store=$PWD/store; cd gone; rmdir ../gone;'
    expect(await shell(folder, `${gone} $holdfast ls`)).toEqual({
      code: 2,
      stdout: '',
      stderr:
        'holdfast: The working folder no longer exists. Change to another folder, or pass absolute paths.\n',
    })
    expect(await shell(folder, `${gone} $holdfast -s $store restore --to out`)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^holdfast: The working folder no longer exists\. .*\n$/) as string,
    })
    expect((await shell(folder, `${gone} $holdfast -s $store ls --json`)).stdout).toContain('"checkpoints":1')
  },
)
