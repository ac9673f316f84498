import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../parts/checkout.ts'
import { run } from '../parts/run-program.ts'

/** Makes a checkout with one package on main, and the branch `work`. */
function makeCheckout(): string {
  const checkout = mkdtempSync(join(tmpdir(), 'holdfast-versions-'))
  for (const name of ['scripts', '.changeset/config.json'])
    cpSync(join(root, name), join(checkout, name), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(checkout, 'node_modules'))
  write(checkout, '.gitignore', 'node_modules\n')
  write(checkout, 'package.json', '{ "name": "workspace", "private": true, "type": "module" }')
  write(checkout, 'pnpm-workspace.yaml', 'packages: [packages/*]\n')
  write(checkout, '.changeset/config.json', '{ "baseBranch": "main", "commit": false, "changelog": false }')
  setVersion(checkout, '1.0.0')
  run(checkout, 'git', 'init', '--quiet', '--initial-branch', 'main')
  commit(checkout)
  run(checkout, 'git', 'checkout', '--quiet', '-b', 'work')
  return checkout
}

function setVersion(checkout: string, version: string, python = version): void {
  write(checkout, 'packages/cli/package.json', JSON.stringify({ name: 'holdfast', version }))
  write(checkout, 'python/src/holdfast_checkpoints/_version.py', `__version__ = "${python}"\n`)
}

function write(checkout: string, name: string, text: string): void {
  mkdirSync(join(checkout, name, '..'), { recursive: true })
  writeFileSync(join(checkout, name), text)
}

function commit(checkout: string): void {
  run(checkout, 'git', 'add', '--all')
  run(
    checkout,
    'git',
    '-c',
    'user.name=test',
    '-c',
    'user.email=test@test',
    'commit',
    '--quiet',
    '-m',
    'A change',
  )
}

function checkVersions(checkout: string): { readonly status: number | null; readonly output: string } {
  const path = `${join(root, 'node_modules/.bin')}${delimiter}${process.env['PATH'] ?? ''}`
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/check-versions.ts'], {
    cwd: checkout,
    encoding: 'utf8',
    env: { ...process.env, PATH: path },
  })
  return { status, output: stdout + stderr }
}

test('accepts a pull request that sets the next version, and main after its merge', () => {
  const checkout = makeCheckout()
  setVersion(checkout, '1.1.0')
  commit(checkout)
  const accepted = { status: 0, output: expect.stringContaining('the version stays 1.1.0') as string }
  expect(checkVersions(checkout)).toMatchObject(accepted)
  run(checkout, 'git', 'checkout', '--quiet', 'main')
  run(checkout, 'git', 'merge', '--quiet', 'work')
  expect(checkVersions(checkout)).toMatchObject(accepted)
})

test('refuses versions that differ', () => {
  const checkout = makeCheckout()
  setVersion(checkout, '1.1.0', '1.0.0')
  commit(checkout)
  const { status, output } = checkVersions(checkout)
  expect(status).toBe(1)
  expect(output).toContain('The packages have the versions 1.1.0, 1.0.0.')
})

test('refuses a changed package without a changeset', () => {
  const checkout = makeCheckout()
  write(checkout, 'packages/cli/index.js', '')
  commit(checkout)
  expect(checkVersions(checkout).status).toBe(1)
})
