import { existsSync, lstatSync, readFileSync, realpathSync } from 'node:fs'
import * as nodeModule from 'node:module'
import { dirname, isAbsolute, join } from 'node:path'
import { HoldfastError } from '../../errors.ts'
import { nodeErrorCode } from '../../node-errors.ts'
import { moduleFile } from '../own-module.ts'
import { type PathPart, pathPartsOf } from './path-parts.ts'
import { thisUser } from './this-user.ts'
import { foreignPart } from './rules.ts'

/** The folder where a search for a package starts, and additional owners whose packages may be loaded. */
export interface SearchBase {
  readonly folder: string
  readonly owners: readonly number[]
}

/** The result of a search for a package. */
export interface FoundModule {
  /** The entry point of the package. */
  readonly file: string
  /** The first part of its path that belongs to another user, who may have planted it. Otherwise `undefined`. */
  readonly foreign: PathPart | undefined
}

/** Starts a search at a running module. The owner of its file controls this process already. */
export function besideModule(file: string): SearchBase {
  return { folder: dirname(file), owners: [lstatSync(file).uid] }
}

/**
 * Finds the entry point of a package as Node.js would for an import in a folder. Returns `undefined` if it is not
 * installed. Node.js searches every parent folder, such as /tmp, where anybody can create a `node_modules`, so the
 * result names the parts of the path that belong to an untrusted user. A name may also be a path. The caller has chosen
 * that path, so it is not checked.
 */
export function findModule(name: string, base: SearchBase): FoundModule | undefined {
  // Only the folder of this file name matters.
  const importer = nodeModule.createRequire(join(base.folder, 'importer.js'))
  const file = resolveModule(name, importer, base.folder)
  if (file === undefined) return undefined
  if (isPath(name)) return { file, foreign: undefined }
  const packageName = /^(?:@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? name
  // The found path, with the links that Node.js has followed.
  const folder = importer.resolve
    .paths(name)
    ?.map((place) => join(place, packageName))
    .find((place) => existsSync(place))
  const foreign = folder === undefined ? undefined : foreignOnTheWay(folder, base)
  return { file, foreign: foreign ?? foreignOnTheWay(file, base) }
}

/**
 * Throws `CONFIG` if an optional package that the module at `importerUrl` is about to import belongs to another user, who
 * may have planted it.
 */
export function refusePlanted(name: string, importerUrl: string): void {
  const importer = moduleFile(importerUrl)
  if (importer === undefined) return // a bundle contains the package
  const foreign = findModule(name, besideModule(importer))?.foreign
  if (foreign !== undefined) throw planted(name, foreign)
}

/** Creates the error for a package that another user may have planted. */
export function planted(name: string, { path, uid }: PathPart): HoldfastError {
  return new HoldfastError(
    'CONFIG',
    `${name} is not loaded, because ${path} belongs to another user (${uid}), who may have placed it there. Install the package yourself.`,
  )
}

/** Whether the name of a module is a relative or absolute path. */
function isPath(name: string): boolean {
  return /^\.\.?(?:[/\\]|$)/.test(name) || isAbsolute(name)
}

/** Returns the first part of `path` that belongs to an untrusted user. The folders that contain the base are exempt. */
export function foreignOnTheWay(path: string, { folder, owners }: SearchBase): PathPart | undefined {
  const user = thisUser()
  if (user === undefined) return undefined
  const holders = new Set(Array.from(pathPartsOf(folder), (part) => part.path))
  return foreignPart(pathPartsOf(path), new Set([user.uid, 0, ...owners]), holders)
}

function resolveModule(name: string, importer: NodeJS.Require, folder: string): string | undefined {
  try {
    return realpathSync(importer.resolve(name))
  } catch (error) {
    const code = nodeErrorCode(error)
    if (code === 'MODULE_NOT_FOUND') return undefined
    const entry = code === 'ERR_PACKAGE_PATH_NOT_EXPORTED' ? importEntry(name, folder) : undefined
    if (entry !== undefined) return entry
    throw new HoldfastError(
      'CONFIG',
      `The package ${name} is installed, but broken. Install it again: npm install ${name}`,
      { cause: error },
    )
  }
}

/** Returns the entry point of a package that exports only to `import`. */
function importEntry(name: string, folder: string): string | undefined {
  const manifest = nodeModule.findPackageJSON(name, join(folder, 'importer.js'))
  if (manifest === undefined) return undefined
  const parsed = JSON.parse(readFileSync(manifest, 'utf8')) as unknown
  const exported = memberOf(parsed, ['exports'])
  const entry = targetOf(memberOf(exported, ['.']) ?? exported)
  return entry === undefined ? undefined : realpathSync(join(dirname(manifest), entry))
}

/** Returns the first of the conditions that Node.js uses for an `import`. The order in the manifest decides. */
function targetOf(target: unknown): string | undefined {
  if (typeof target === 'string' || target === undefined) return target
  return targetOf(memberOf(target, ['import', 'node', 'default']))
}

/** Returns the first member that has one of the names. */
function memberOf(value: unknown, names: readonly string[]): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return Object.entries(value).find(([name]) => names.includes(name))?.[1]
}
