import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { bundledIn, withBundled } from '../parts/bundled-packages.ts'
import { isAllowed, licenseText } from '../parts/licenses.ts'

/** Returns the folder of a package with a license. */
function packageWith(license: string | undefined): string {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-license-'))
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name: '@scope/name', version: '1.2.3', license }),
  )
  writeFileSync(join(folder, 'LICENSE'), 'The text.\n')
  return folder
}

test.each([
  ['MIT', true],
  ['(MIT OR GPL-3.0-only)', true],
  ['MIT AND GPL-3.0-only', false],
  ['GPL-3.0-only', false],
])('decides whether a package with the license %s may be passed on', (license, allowed) => {
  expect(isAllowed(license)).toBe(allowed)
})

test('lists a bundled package with its license in the bill of materials, once', () => {
  const bundled = bundledIn(licenseText(packageWith('MIT')))
  expect(bundled).toEqual([{ name: '@scope/name', version: '1.2.3', license: 'MIT' }])
  const bill = withBundled({ components: [] }, bundled)
  expect(bill.components).toMatchObject([
    { purl: 'pkg:npm/%40scope/name@1.2.3', licenses: [{ expression: 'MIT' }] },
  ])
  expect(withBundled(bill, bundled)).toEqual(bill)
})

test('refuses to bundle a package with another license, or none', () => {
  expect(() => licenseText(packageWith('GPL-3.0-only'))).toThrow('has the license GPL-3.0-only')
  expect(() => licenseText(packageWith(undefined))).toThrow('has no license')
})
