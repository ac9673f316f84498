import { utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { holdfast } from './holdfast.ts'
import { workFolder } from './work-folder.ts'

describe('a wrong command line', () => {
  test.each([
    [['ls', '--nope'], /^unknown option '--nope'$/],
    [['ls', 's3://bucket/runs'], /^too many arguments .*\n\(Name the store with --store\.\)$/],
    [['lss'], /^unknown command 'lss'\n\(Did you mean ls\?\)$/],
    [['save', 'w.bin'], /^the option --step is required$/],
    [['save', 'w.bin', '--step', 'x'], /argument 'x' is invalid\. It must be a whole number from 0\.$/],
    [[], /^A command is required\. holdfast --help lists them\.$/],
  ])('is one line of JSON with --json: %j', async (words, message) => {
    const { code, stdout, stderr } = await holdfast(await workFolder(), ...words, '--json')
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr.split('\n')).toHaveLength(2)
    expect(JSON.parse(stderr)).toEqual({
      type: 'error',
      code: 'USAGE',
      exitCode: 2,
      message: expect.stringMatching(message) as string,
    })
  })

  test.each([
    [
      ['save', 'w.bin'],
      'holdfast: the option --step is required\n(Run holdfast save --help for its options.)\n',
    ],
    [
      ['ls', '--jso'],
      "holdfast: unknown option '--jso'\n(Did you mean --json?)\n(Run holdfast ls --help for its options.)\n",
    ],
    [
      ['--last', '2', 'ls'],
      "holdfast: unknown option '--last'\n(Write the options of ls after ls. Run holdfast ls --help for its options.)\n",
    ],
    [['--nope'], "holdfast: unknown option '--nope'\n(Run holdfast --help for commands and options.)\n"],
    [
      ['lss'],
      "holdfast: unknown command 'lss'\n(Did you mean ls?)\n(Run holdfast --help for commands and options.)\n",
    ],
  ])('is a sentence that names the help of the command: %j', async (words, text) => {
    expect(await holdfast(await workFolder(), ...words)).toEqual({ code: 2, stdout: '', stderr: text })
  })

  test.each([
    ['sweep', '--yes'],
    ['sweep', '--now', '--dry-run'],
    ['verify', '--all', '1'],
    ['prune', '--budget', '1 GB'],
  ])('changes nothing before it is refused: %s %s', async (...words) => {
    const folder = await workFolder()
    const on = (...more: readonly string[]) => holdfast(folder, ...more, '-s', 'store')
    await on('save', 'w.bin', '--step', '1', '--metric', 'loss=1', '--keep-best', 'loss:min')
    expect(await on(...words, '--forget-objective', 'loss')).toMatchObject({ code: 2, stdout: '' })
    expect((await on('best')).stdout).toContain('best loss is step 1')
  })
})

test.each([
  [['run', '--watch', 'w.bin', '-s', 'store', '--', 'true'], 'w.bin is a file, not a folder.'],
  [['watch', 'w.bin', '-s', 'store'], 'w.bin is a file, not a folder.'],
  [['import', 'w.bin', '-s', 'store'], 'w.bin is a file, not a folder.'],
  [['import', 'w.bin/x', '-s', 'store'], 'There is no folder w.bin/x.'],
  [['save', 'w.bin', '--step', '1', '-s', 'w.bin/x'], '/w.bin is a file, but must be a folder.'],
  [['ls', '-s', 'w.bin/x/y'], '/w.bin is a file, but must be a folder.'],
  [
    [
      'import',
      'old',
      '-s',
      'store',
      '--pattern',
      'd_{step}',
      '--quiet-period',
      '0',
      '--metrics-from',
      'nope.csv',
    ],
    'Reading nope.csv failed (ENOENT). The path does not exist.',
  ],
  [['report', '-s', 'filled', '-o', 'nowhere/r.html'], 'Writing nowhere/r.html failed (ENOENT).'],
  [
    ['save', 'w.bin', '--step', '1', '-s', 'store', '--data-state', '@nope.json'],
    'Reading the data state from nope.json failed (ENOENT).',
  ],
])('a wrong path is a usage error: %j', { timeout: 120_000 }, async (words, message) => {
  const folder = await workFolder({ 'w.bin': 'weights', 'old/d_1': 'state' })
  await utimes(join(folder, 'old/d_1'), 1000, 1000)
  if (words.includes('filled')) await holdfast(folder, 'save', 'w.bin', '--step', '1', '-s', 'filled')
  const { code, stderr } = await holdfast(folder, ...words)
  expect([code, stderr]).toEqual([2, expect.stringContaining(message)])
})

test.each(['repair', 'best', 'sweep', 'report'])('%s exits with 4 if there is no store', async (command) => {
  expect(await holdfast(await workFolder(), command, '-s', 'nope')).toMatchObject({
    code: 4,
    stdout: '',
    stderr: expect.stringMatching(
      /^holdfast: There is no store at .*nope\. Check its path or URL\.$/m,
    ) as string,
  })
})

test.each([
  ['a\nb', 'contains a control character; rename the file.'],
  ['a\\b', 'contains a backslash; rename the file.'],
])('a save says what to do about the name %j', async (name, message) => {
  const folder = await workFolder({ [`run/${name}`]: 'state' })
  const { code, stderr } = await holdfast(folder, 'save', 'run', '--step', '1', '-s', 'store')
  expect([code, stderr]).toEqual([2, expect.stringContaining(message)])
})
