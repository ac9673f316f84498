import { access, readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { HoldfastError, messageOf } from '../errors.ts'
import { fromNodeError, nodeErrorCode } from '../node-errors.ts'
import { type HoldfastConfig, parseConfig } from './schema.ts'

const fileNames = ['holdfast.config.ts', 'holdfast.config.js', 'holdfast.config.json'] as const

export interface LoadedConfig {
  readonly file: string
  readonly config: HoldfastConfig
}

/**
 * The configuration of the nearest `holdfast.config.ts`, `.js` or `.json`, from a folder upwards; `undefined`
 * when there is none. Rejects with `CONFIG` when it is not valid.
 */
export async function findConfig(directory: string = process.cwd()): Promise<LoadedConfig | undefined> {
  for (let folder = resolve(directory); ; folder = dirname(folder)) {
    for (const name of fileNames) {
      const file = join(folder, name)
      if (await isThere(file)) return { file, config: parseConfig(await load(file), file) }
    }
    if (folder === dirname(folder)) return undefined
  }
}

async function load(file: string): Promise<unknown> {
  try {
    if (file.endsWith('.json')) return JSON.parse(await readFile(file, 'utf8')) as unknown
    const module: unknown = await import(pathToFileURL(file).href)
    if (typeof module === 'object' && module !== null && 'default' in module) return module.default
  } catch (error) {
    throw new HoldfastError('CONFIG', `${file} cannot be read: ${messageOf(error)}`, { cause: error })
  }
  throw new HoldfastError(
    'CONFIG',
    `${file} has no default export. Write: export default defineConfig({ ... })`,
  )
}

async function isThere(file: string): Promise<boolean> {
  try {
    await access(file)
    return true
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(nodeErrorCode(error) ?? '')) return false
    throw fromNodeError(error, `reading ${file}`)
  }
}
