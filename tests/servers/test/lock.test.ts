import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { withLock } from '../src/lock.ts'
import { emptyFolder } from './empty-folder.ts'

test('reports a lock that another process holds for too long', async () => {
  const lock = join(await emptyFolder(), 'a.lock')
  await symlink(String(process.ppid), lock)
  const working = withLock(lock, AbortSignal.abort(), async () => 'worked')
  await expect(working).rejects.toThrow(
    `The lock ${lock} cannot be taken, because another process has held it for too long`,
  )
})

test('releases the lock if the work fails', async () => {
  const lock = join(await emptyFolder(), 'a.lock')
  const never = new AbortController().signal
  const failing = withLock(lock, never, async () => {
    throw new Error('no network')
  })
  await expect(failing).rejects.toThrow('no network')
  expect(await withLock(lock, never, async () => 'worked')).toBe('worked')
})
