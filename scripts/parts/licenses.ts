import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Licenses that allow a program under Apache-2.0 to use and to pass on a package. */
const allowed = [
  'MIT',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'BlueOak-1.0.0',
  'Unlicense',
]

/** Returns whether a license is allowed. Of `MIT OR GPL-3.0` one suffices, and of `MIT AND ISC` all are required. */
export function isAllowed(license: unknown): boolean {
  // Old packages have an object instead of an expression.
  if (typeof license !== 'string') return false
  return license
    .replace(/^\((.*)\)$/, '$1')
    .split(' OR ')
    .some((choice) => choice.split(' AND ').every((each) => allowed.includes(each)))
}

/**
 * Returns what a distributor of a bundled package must pass on: a line with its name, version and license, and the text of
 * the license. Throws if the package has no license, or one that is not allowed.
 */
export function licenseText(folder: string): string {
  const { name, version, license } = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8'),
  ) as Readonly<Record<string, string | undefined>>
  const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each))
  if (name === undefined || version === undefined || license === undefined || file === undefined)
    throw new Error(`${folder} has no license. Bundle only packages with a license.`)
  if (!isAllowed(license))
    throw new Error(`${name} has the license ${license}. Bundle only packages with a license in licenses.ts.`)
  return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), 'utf8')}`
}
