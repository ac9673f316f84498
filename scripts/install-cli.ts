/**
 * Installs the command line of this checkout, with core and every adapter, below a prefix:
 * `npx -y pnpm@12 install:cli PREFIX`. With the prefix `~/.local`, it creates `~/.local/bin/holdfast`.
 */
import { mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { readRequiredArgument } from './parts/command-line.ts'
import { installPackages, versionOfCommand } from './parts/install-packages.ts'

const prefix = readRequiredArgument(import.meta.filename, 'PREFIX')
// pnpm runs a script in the root of the workspace. INIT_CWD is the folder in which the user called it.
const target = resolve(process.env['INIT_CWD'] ?? process.cwd(), prefix)
const library = join(target, 'lib', 'holdfast')
const command = join(target, 'bin', 'holdfast')
installPackages(library)
mkdirSync(dirname(command), { recursive: true })
rmSync(command, { force: true })
symlinkSync(relative(dirname(command), join(library, 'node_modules', '.bin', 'holdfast')), command)
console.log(`installed holdfast ${versionOfCommand()} and its adapters · ${command}`)
