import { mkdir, symlink } from 'node:fs/promises'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { holdfast } from './holdfast.ts'
import { workFolder } from './work-folder.ts'

test('save exits with 2 for a file that it cannot save, and names the option that excludes it', async () => {
  const folder = await workFolder({ 'out/model.bin': 'model' })
  const server = createServer()
  server.listen(join(folder, 'out', 'tb.sock'))
  await once(server, 'listening')
  onTestFinished(async () => {
    server.close()
    await once(server, 'close')
  })
  await symlink('/nowhere/at/all', join(folder, 'out', 'dead [1] link'))
  const save = async (...words: readonly string[]) =>
    holdfast(folder, '-s', 'store', 'save', 'out', '--step', '1', ...words)
  const dead = await save('--exclude', 'tb.sock')
  expect(dead.code).toBe(2)
  expect(dead.stderr).toContain("Pass --exclude 'dead \\[1\\] link', or list it in .holdfastignore.")
  const socket = await save('--exclude', 'dead \\[1\\] link')
  expect(socket.code).toBe(2)
  expect(socket.stderr).toMatch(/tb\.sock is a socket.*--exclude tb\.sock/)
  const saved = await save('--exclude', 'dead \\[1\\] link', '--exclude', '*.sock')
  expect(saved).toMatchObject({ code: 0, stderr: '' })
})

test('save warns about what it does not keep', async () => {
  const folder = await workFolder({ 'out/model.bin': 'model' })
  await mkdir(join(folder, 'out', 'empty'))
  const saved = await holdfast(folder, '-s', 'store', 'save', 'out', '--step', '1')
  expect(saved.stderr).toBe(
    '1 empty folder (out/empty) was skipped. A checkpoint keeps files and their permissions, but no links, empty folders or times.\n',
  )
  const json = await holdfast(folder, '-s', 'store', 'save', 'out', '--step', '2', '--json')
  expect(JSON.parse(json.stdout)).toMatchObject({ warnings: [expect.stringContaining('out/empty')] })
})
