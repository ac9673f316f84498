import { lstatSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { HoldfastError, messageOf } from '../errors.ts'
import { fromNodeError, nodeErrorCode } from '../node-errors.ts'
import { importTrusted } from './trust/import-trusted.ts'
import { pathPartsOf } from './trust/path-parts.ts'
import { type HoldfastConfig, parseConfig } from './schema.ts'
import { thisUser } from './trust/this-user.ts'
import { distrustOf } from './trust/rules.ts'
import { hasWorkingFolder, workingFolder } from './working-folder.ts'

const dataFile = 'holdfast.config.json'
const codeFiles = ['holdfast.config.ts', 'holdfast.config.js'] as const

export interface LoadedConfig {
  readonly file: string
  readonly config: HoldfastConfig
}

/** A configuration file that was found but not used. */
export interface IgnoredConfig {
  readonly file: string
  /** The reason and the remedy, in sentences. */
  readonly reason: string
}

/**
 * Returns the configuration of the nearest `holdfast.config.ts`, `.js` or `.json`, from a folder upwards; `undefined` if
 * there is none. Rejects with `CONFIG` if it is not valid, or not trusted: the file and all folders above it must belong
 * to this user or root, and only they may write to them.
 */
export async function findConfig(directory: string = workingFolder()): Promise<LoadedConfig | undefined> {
  const file = nearest(directory, [...codeFiles, dataFile])
  if (file === undefined) return undefined
  const distrust = distrustOfConfig(file)
  if (distrust !== undefined) {
    throw new HoldfastError('CONFIG', `${file} is not trusted. ${distrust}`, {
      hint: { kind: 'choose-config', file },
    })
  }
  return readConfig(file)
}

/**
 * Like `findConfig`, for a caller who has named a store: runs no code, and ignores a file that is not trusted. The store
 * can be opened without it, and a file of someone else must not be able to prevent that.
 */
export async function findConfigData(
  directory = hasWorkingFolder() ? workingFolder() : undefined,
): Promise<LoadedConfig | IgnoredConfig | undefined> {
  if (directory === undefined) return undefined
  const file = nearest(directory, [dataFile, ...codeFiles])
  if (file === undefined) return undefined
  const distrust = distrustOfConfig(file)
  if (distrust !== undefined) return { file, reason: `It is not trusted. ${distrust}` }
  if (isData(file)) return readConfig(file)
  return {
    file,
    reason: 'It is code, which runs only if it is chosen explicitly or the store is not named otherwise.',
  }
}

/** Returns the configuration of a file that the caller trusts. Rejects with `CONFIG` if it is not valid. */
export async function readConfig(path: string): Promise<LoadedConfig> {
  const file = resolve(path)
  return { file, config: parseConfig(await load(file), file) }
}

/** The nearest folder takes precedence. Within a folder, the order of the names decides. */
function nearest(directory: string, names: readonly string[]): string | undefined {
  for (let folder = resolve(directory); ; folder = dirname(folder)) {
    const found = names.map((name) => join(folder, name)).find(exists)
    if (found !== undefined || folder === dirname(folder)) return found
  }
}

/**
 * Returns the reason why a file is not trusted and the remedy, or `undefined` if it is trusted. On Windows every file
 * is trusted, because Node.js does not show owners there.
 */
function distrustOfConfig(file: string): string | undefined {
  const user = thisUser()
  if (user === undefined) return undefined
  try {
    const distrust = distrustOf(pathPartsOf(file), user, isData(file) ? 'data' : 'code')
    return distrust === undefined ? undefined : `${distrust.reason} ${distrust.remedy}`
  } catch (error) {
    return `Its owner and mode cannot be read: ${messageOf(error)}.`
  }
}

async function load(file: string): Promise<unknown> {
  try {
    if (isData(file)) return JSON.parse(await readFile(file, 'utf8')) as unknown
    const module = await importTrusted(file)
    if (typeof module === 'object' && module !== null && 'default' in module) return module.default
  } catch (error) {
    throw new HoldfastError('CONFIG', `${file} cannot be read: ${faultOf(file, error)}`)
  }
  throw new HoldfastError(
    'CONFIG',
    `${file} has no default export. Write: export default defineConfig({ ... })`,
  )
}

/**
 * The message of the JSON parser repeats a part of the file, which may contain credentials. The position of the error
 * is sufficient.
 */
function faultOf(file: string, error: unknown): string {
  if (!(error instanceof SyntaxError) || !isData(file)) return messageOf(error)
  const place = /at position \d+(?: \(line \d+ column \d+\))?/.exec(error.message)?.[0] ?? ''
  return `It is not valid JSON ${place}`.trim()
}

function isData(file: string): boolean {
  return file.endsWith('.json')
}

/** A dangling link also counts as existing. */
function exists(file: string): boolean {
  try {
    lstatSync(file)
    return true
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(nodeErrorCode(error) ?? '')) return false
    throw fromNodeError(error, `reading ${file}`)
  }
}
