import { execFile, execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { environment, holdfast } from './holdfast.ts'

let folder = ''
const scripts = new Map<string, string>()

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-completion-'))
  await mkdir(join(folder, 'out put'))
  await writeFile(join(folder, 'out put', 'a.bin'), '')
  await writeFile(join(folder, 'model.pth'), '')
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { stdout, code } = await holdfast(folder, 'completion', shell)
    expect(code).toBe(0)
    scripts.set(shell, stdout)
    await writeFile(join(folder, `completion.${shell}`), stdout)
  }
})

afterAll(() => rm(folder, { recursive: true }))

function has(shell: string): boolean {
  try {
    execFileSync(shell, ['-c', 'true'])
    return true
  } catch {
    return false
  }
}

async function linesOf(
  shell: string,
  script: string,
  ...words: readonly string[]
): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    execFile(
      shell,
      ['-c', script, shell, ...words],
      { cwd: folder, env: environment() },
      (error, stdout, stderr) => {
        if (error !== null || stderr !== '') reject(new Error(`${stderr}${error?.message ?? ''}`))
        else resolve(stdout.split('\n').filter((line) => line !== ''))
      },
    )
  })
}

/** What bash suggests for the last of these words. */
async function bash(...words: readonly string[]): Promise<readonly string[]> {
  const script =
    'source completion.bash; COMP_WORDS=(holdfast "$@"); COMP_CWORD=$#; _holdfast; printf "%s\\n" "${COMPREPLY[@]}"'
  return linesOf('bash', script, ...words)
}

describe.skipIf(!has('bash'))('in bash', () => {
  test('suggests every command of the help', async () => {
    const { stdout } = await holdfast(folder, '--help')
    const names = [...stdout.matchAll(/^ {2}([a-z]+) .*\S/gm)].map(([, name = '']) => name)
    expect((await bash('')).toSorted()).toEqual(names.toSorted())
    expect(await bash('sho')).toEqual(['show'])
  })

  test.each<[readonly string[], readonly string[]]>([
    [['save', '--keep-l'], ['--keep-last']],
    [['--json', 'save', '--req'], ['--require-finite']],
    [['--store', 'x', 'prune', '--dry'], ['--dry-run']],
    [
      ['show', ''],
      ['latest', 'best'],
    ],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['help', 'res'], ['restore']],
    [['save', 'mo'], ['model.pth']],
    [['restore', '--to', 'ou'], ['out put']],
    [['restore', '--to', 'out put/'], ['out put/a.bin']],
    [['save', '--step', ''], []],
    [['ls', '--no-conf'], ['--no-config']],
    [['nothing', ''], []],
  ])('completes %j to %j', async (words, suggestions) => {
    expect(await bash(...words)).toEqual(suggestions)
  })

  test('registers the function', async () => {
    expect(await linesOf('bash', 'source completion.bash; complete -p holdfast')).toEqual([
      'complete -o filenames -F _holdfast holdfast',
    ])
  })
})

describe.skipIf(!has('zsh'))('in zsh', () => {
  test('is a script that zsh loads and registers', async () => {
    const script =
      'autoload -Uz compinit; compinit -u -d ./dump; source completion.zsh; print $_comps[holdfast]'
    expect(await linesOf('zsh', script)).toEqual(['_holdfast'])
  })
})

describe.skipIf(!has('fish'))('in fish', () => {
  const fish = async (line: string): Promise<readonly string[]> => {
    const lines = await linesOf('fish', `source completion.fish; complete -C '${line}'`)
    return lines.map((each) => each.split('\t')[0] ?? '')
  }

  test.each<[string, readonly string[]]>([
    ['holdfast sho', ['show']],
    ['holdfast save --keep-l', ['--keep-last']],
    ['holdfast show lat', ['latest']],
    ['holdfast restore --to mod', ['model.pth']],
  ])('completes %j', async (line, suggestions) => {
    expect(await fish(line)).toEqual(suggestions)
  })
})

test.each(['bash', 'zsh', 'fish'])('has every visible option of every command for %s', async (shell) => {
  const script = scripts.get(shell) ?? ''
  for (const command of ['save', 'prune', 'run']) {
    const { stdout } = await holdfast(folder, command, '--help')
    for (const [, name = ''] of stdout.matchAll(/^ +(?:-\w, )?--([a-z-]+)/gm))
      if (name !== 'version')
        expect(script, `${command} --${name}`).toContain(shell === 'fish' ? `-l ${name}` : `--${name}`)
  }
  expect(script).not.toContain('undefined')
})

test('rejects another shell, and prints JSON', async () => {
  expect(await holdfast(folder, 'completion', 'tcsh')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('Choose bash, zsh or fish.') as string,
  })
  const { stdout } = await holdfast(folder, 'completion', 'bash', '--json')
  expect(JSON.parse(stdout)).toMatchObject({ type: 'result', command: 'completion', shell: 'bash' })
})
