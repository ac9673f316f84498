import { MemoryBackend } from '@holdfast/core/backend'
import { describe, expect, test } from 'vitest'
import { type Subject, describeConformance } from '../src/index.ts'
import { runCase } from '../src/run-case.ts'

const subject: Subject = {
  open: async () => new MemoryBackend(),
  reopen: async (backend) => backend,
  partBytes: 2 ** 20,
}

const passing = { name: 'passes', run: async () => undefined }
const failing = { name: 'fails', run: () => Promise.reject(new Error('it fails')) }

test('rejects if a case that is listed in gaps passes', async () => {
  const gaps = { passes: 'it is old', fails: 'it is old' }
  await runCase(failing, { ...subject, gaps })
  await expect(runCase(passing, { ...subject, gaps })).rejects.toThrow('but it is listed in gaps')
})

test('rejects if a case that is not listed in gaps fails', async () => {
  await runCase(passing, subject)
  await expect(runCase(failing, subject)).rejects.toThrow('it fails')
})

test('shows the reason of a gap in the title of its test', () => {
  const shown: string[] = []
  const runner = {
    describe: (_: string, body: () => void) => {
      body()
    },
    test: (name: string) => shown.push(name),
  }
  const gaps = { 'put replaces an existing object': 'it is old' }
  describeConformance(runner, 'MemoryBackend', { ...subject, gaps })
  expect(shown).toContain('put replaces an existing object (expected to fail on this server: it is old)')
})

test('rejects a gap that is not the name of a case', () => {
  expect(() => {
    describeConformance({ describe, test }, 'MemoryBackend', { ...subject, gaps: { misspelt: 'why' } })
  }).toThrow('no case named "misspelt"')
})

test('skips a case that does not apply to the backend, with the reason, also if it is listed in gaps', async () => {
  const other = { ...passing, notApplicable: () => 'it has no holds' }
  const skipped: string[] = []
  const runner = {
    describe: (_: string, body: () => void) => {
      body()
    },
    test: (_: string, body: (context: object) => Promise<void>) => {
      bodies.push(body)
    },
  }
  const bodies: ((context: object) => Promise<void>)[] = []
  describeConformance(runner, 'MemoryBackend', subject, [other, passing])
  for (const body of bodies) await body({ skip: (reason: string) => skipped.push(reason) })
  expect(skipped).toEqual(['it has no holds'])
  expect(bodies.map(({ length }) => length)).toEqual([0, 0])
  expect(await runCase(other, { ...subject, gaps: { passes: 'it is old' } })).toBe('it has no holds')
})
