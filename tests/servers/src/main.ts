/** Installs servers before tests use them: `npx -y pnpm@12 test-servers install [name...]`. */
import { ensureInstalled } from './install.ts'
import type { ServerKind } from './kinds.ts'
import { definitions } from './servers/index.ts'
import { thisMachine } from './settings.ts'

const usage = `Usage: npx -y pnpm@12 test-servers install [${Object.keys(definitions).join('|')}]...\n`

process.exitCode = await main(process.argv.slice(2))

async function main([command, ...names]: readonly string[]): Promise<number> {
  if (command === '--help') {
    process.stdout.write(usage)
    return 0
  }
  const unknown = names.filter((name) => !isKind(name))
  if (command !== 'install' || unknown.length > 0) {
    process.stderr.write(usage)
    return 2
  }
  const wanted = names.length > 0 ? names.filter(isKind) : Object.keys(definitions).filter(isKind)
  let failures = 0
  for (const kind of wanted) if (!(await install(kind))) failures += 1
  return failures > 0 ? 1 : 0
}

async function install(kind: ServerKind): Promise<boolean> {
  const { name, version } = definitions[kind]
  const machine = { ...thisMachine, environment: { ...process.env, HOLDFAST_TEST_INSTALL: '1' } }
  const installed = await ensureInstalled(definitions[kind], machine)
  const status = 'folder' in installed ? `is in ${installed.folder}` : `is not installed: ${installed.reason}`
  process.stdout.write(`${name} ${version} ${status}\n`)
  return 'folder' in installed
}

function isKind(name: string): name is ServerKind {
  return Object.hasOwn(definitions, name)
}
