import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** The file that marks a folder as the site. A deployment replaces only such folders, and empty ones. */
export const markerName = 'holdfast-site.txt'

/**
 * Copies a site to a folder, in place of the site that it contains. Throws if the folder contains anything else, which would be
 * deleted.
 */
export function copySite(site: string, folder: string): void {
  if (resolve(site) === resolve(folder))
    throw new Error(`${folder} is the built site. Choose another folder.`)
  const isFree = !existsSync(folder) || readdirSync(folder).length === 0
  if (!isFree && !existsSync(join(folder, markerName)))
    throw new Error(`${folder} is not empty and contains no site of Holdfast. Choose another folder.`)
  rmSync(folder, { recursive: true, force: true })
  cpSync(site, folder, { recursive: true })
}
