import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Copies a site to a folder, in place of the site that it contains. Throws if the folder contains anything else, which would be
 * deleted.
 */
export function copySite(site: string, folder: string): void {
  const isFree = !existsSync(folder) || readdirSync(folder).length === 0
  if (!isFree && !existsSync(join(folder, 'llms.txt')))
    throw new Error(`${folder} is not empty and contains no site of Holdfast. Choose another folder.`)
  rmSync(folder, { recursive: true, force: true })
  cpSync(site, folder, { recursive: true })
}
