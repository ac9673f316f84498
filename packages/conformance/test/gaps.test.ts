import { MemoryBackend } from '@holdfast/core/backend'
import { describe, expect, test } from 'vitest'
import { type Subject, describeConformance } from '../src/index.ts'
import { runCase } from '../src/run-case.ts'

const subject: Subject = {
  open: async () => new MemoryBackend(),
  reopen: async (backend) => backend,
  partBytes: 2 ** 20,
}

const holding = { name: 'holds', run: async () => undefined }
const failing = { name: 'fails', run: () => Promise.reject(new Error('it does not hold')) }

test('a case that is among the gaps of the server must fail', async () => {
  const gaps = { holds: 'it is old', fails: 'it is old' }
  await runCase(failing, { ...subject, gaps })
  await expect(runCase(holding, { ...subject, gaps })).rejects.toThrow('although it is among the gaps')
})

test('a case that is not among them must hold', async () => {
  await runCase(holding, subject)
  await expect(runCase(failing, subject)).rejects.toThrow('it does not hold')
})

test('a gap is shown with its reason', () => {
  const shown: string[] = []
  const runner = {
    describe: (_: string, body: () => void) => {
      body()
    },
    test: (name: string) => shown.push(name),
  }
  const gaps = { 'put replaces a key that exists': 'it is old' }
  describeConformance(runner, 'MemoryBackend', { ...subject, gaps })
  expect(shown).toContain('put replaces a key that exists (gap of the server: it is old)')
})

test('a gap that names no case is refused', () => {
  expect(() => {
    describeConformance({ describe, test }, 'MemoryBackend', { ...subject, gaps: { misspelt: 'why' } })
  }).toThrow('no case that is called "misspelt"')
})
