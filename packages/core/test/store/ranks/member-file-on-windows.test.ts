import * as promises from 'node:fs/promises'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { withPatientChanges } from '../../../src/local-files/patient-changes.ts'
import { removeMemberBytes } from '../../../src/local-files/member-files.ts'
import { systemError } from '../../local-files/gated.ts'
import { temporaryFolder } from '../../stores.ts'

test('removes a member file once a scanner has closed it', async () => {
  const folder = await temporaryFolder()
  const file = join(folder, 'member')
  await writeFile(file, 'x')
  let attempts = 0
  const unlink = async (): Promise<void> => {
    attempts += 1
    if (attempts <= 3) throw systemError('EBUSY')
    await promises.unlink(file)
  }
  await removeMemberBytes(
    file,
    withPatientChanges({ ...promises, unlink }, async () => undefined),
  )
  expect(await readdir(folder)).toEqual([])
  expect(attempts).toBe(4)
})
