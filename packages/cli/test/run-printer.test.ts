import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openStore } from '@holdfast/core'
import { expect, onTestFinished, test, vi } from 'vitest'
import { Printer } from '../src/output/printer.ts'
import { RunPrinter } from '../src/output/run-printer.ts'
import { workFolder } from './work-folder.ts'

test('a run says why it did not quarantine a corrupt checkpoint', async () => {
  const folder = await workFolder({})
  const location = join(folder, 'store')
  await using owner = await openStore(location, { config: false })
  for (const step of [1, 2])
    await owner.save({ step, files: { 'w.bin': Buffer.from(`weights ${step}`) }, packs: 'never' })
  const path = await owner.localPath(2, 'w.bin')
  await chmod(path, 0o600)
  await writeFile(path, 'weights X')
  await using other = await openStore(location, { config: false, mode: 'shared' })
  const restored = await other.restore('latest', { to: join(folder, 'out'), fallback: true })
  if (restored === undefined) throw new Error('nothing was restored')

  const [out, err] = [process.stdout, process.stderr].map((stream) => {
    const spy = vi.spyOn(stream, 'write').mockReturnValue(true)
    onTestFinished(() => {
      spy.mockRestore()
    })
    return spy
  })
  const printer = new RunPrinter(new Printer(false), { folder: 'out', command: ['train'], url: other.url })
  printer.print({ type: 'restored', restored, duration: 5 })
  expect(out?.mock.calls.join('')).toContain('restored step 1 into out')
  expect(err?.mock.calls.join('')).toMatch(
    /^step 2 is corrupt: .*\. It could not be quarantined \(the store belongs to .*\); nothing was deleted\.\n$/,
  )
})
