/**
 * Installs the command line of this checkout, with core and every adapter, below a prefix:
 * `npx -y pnpm@12 install:cli PREFIX`. With the prefix `~/.local`, it creates `~/.local/bin/holdfast`. It builds only these
 * packages.
 */
import { mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { readRequiredArgument } from './parts/command-line.ts'
import { buildPackages, installPackages, versionOfCommand } from './parts/install-packages.ts'
import { faultOfUsersNode } from './parts/users-node.ts'

const prefix = readRequiredArgument(import.meta.filename, 'PREFIX')
const fault = faultOfUsersNode()
if (fault !== undefined) {
  console.error(fault)
  process.exit(1)
}
// pnpm runs a script in the root of the workspace. INIT_CWD is the folder in which the user called it.
const target = resolve(process.env['INIT_CWD'] ?? process.cwd(), prefix)
const library = join(target, 'lib', 'holdfast')
const command = join(target, 'bin', 'holdfast')
buildPackages()
installPackages(library)
mkdirSync(dirname(command), { recursive: true })
rmSync(command, { force: true })
symlinkSync(relative(dirname(command), join(library, 'node_modules', '.bin', 'holdfast')), command)
console.log(`installed holdfast ${versionOfCommand()} and its adapters · ${command}`)
