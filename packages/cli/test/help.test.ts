import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { holdfast } from './holdfast.ts'
import { workFolder } from './work-folder.ts'

describe('help', () => {
  test('contains the exit codes, and an example for every command', async () => {
    const folder = await workFolder({})
    const { stdout } = await holdfast(folder, '--help')
    expect(stdout).toContain('7  outcome unknown')
    const commands = [...stdout.matchAll(/^ {2}([a-z]+) .*\S/gm)]
      .map(([, name = '']) => name)
      .filter((name) => name !== 'help')
    expect(commands.length).toBeGreaterThanOrEqual(13)
    for (const command of commands) {
      expect((await holdfast(folder, command, '--help')).stdout, command).toMatch(
        /Example:\n {2}\$ .*holdfast/,
      )
    }
  })

  test('is the same for a command that comes first and for one after an option', async () => {
    const folder = await workFolder({})
    for (const words of [
      ['save', '--help'],
      ['save', '--stepp'],
      ['ls', 'x'],
    ]) {
      expect(await holdfast(folder, '--take-over', ...words), words.join(' ')).toEqual(
        await holdfast(folder, ...words),
      )
    }
  })

  test('names the nearest command for one that does not exist', async () => {
    const folder = await workFolder({})
    const { code, stderr } = await holdfast(folder, 'help', 'lss')
    expect(code).toBe(2)
    expect(stderr).toContain("unknown command 'lss'\n(Did you mean ls?)")
    expect(await holdfast(folder, 'lss', '--help')).toEqual({ code, stdout: '', stderr })
  })

  test('prints the version of the package with --version', async () => {
    const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')) as {
      version: string
    }
    const folder = await workFolder({})
    for (const words of [['--version'], ['-V'], ['--json', '-V']])
      expect(await holdfast(folder, ...words)).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
  })
})
