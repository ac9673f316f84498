import { chmod, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../parts/checkout.ts'
import { faultOfUsersNode } from '../parts/users-node.ts'

/** Makes a folder with a `node` of a version. */
async function folderWithNode(version: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-users-node-'))
  await writeFile(join(folder, 'node'), `#!/bin/sh\necho v${version}\n`)
  await chmod(join(folder, 'node'), 0o755)
  return folder
}

test.skipIf(process.platform === 'win32').each([
  [
    '20.20.2',
    /^holdfast would run on the Node\.js 20\.20\.2 in the PATH, which is too old\. Install Node\.js 22\.18/,
  ],
  ['22.17.1', /too old/],
  ['22.18.0', undefined],
  ['24.1.0', undefined],
])('judges Node.js %s of the user', async (version, fault) => {
  const folder = await folderWithNode(version)
  const path = [join(root, 'node_modules', '.bin'), join(folder, 'missing'), folder].join(':')
  const found = faultOfUsersNode(path)
  if (fault === undefined) expect(found).toBeUndefined()
  else expect(found).toMatch(fault)
})

test('says where to get Node.js if there is none', () => {
  expect(faultOfUsersNode('')).toMatch(/^There is no Node\.js in the PATH.* https:\/\/nodejs\.org/)
})
