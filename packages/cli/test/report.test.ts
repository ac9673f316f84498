import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from '@holdfast/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { holdfast } from './holdfast.ts'

let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-report-'))
  await using store = await openStore(join(folder, 'store'), { config: false, mode: 'shared' })
  for (const step of [1, 2])
    await store.save({ step, files: { a: Buffer.from('a') }, metrics: { loss: 1 / step } })
})

afterAll(() => rm(folder, { recursive: true }))

test('writes the page of a run into one file', async () => {
  const { stdout, code } = await holdfast(folder, 'report', '--store', 'store', '-o', 'run.html')
  expect(code).toBe(0)
  expect(stdout).toMatch(/^wrote run\.html · 2 checkpoints · metrics of 2 steps · \d+ KB · file:.*\/store\n$/)
  expect(await readFile(join(folder, 'run.html'), 'utf8')).toMatch(/^<!doctype html>/)
})

test('refuses a location without a store', async () => {
  const outcome = await holdfast(folder, 'report', '--store', 'typo', '-o', 'typo.html')
  expect(outcome).toMatchObject({ code: 4, stdout: '' })
  expect(outcome.stderr).toContain('There is no store at')
  await expect(readFile(join(folder, 'typo.html'))).rejects.toMatchObject({ code: 'ENOENT' })
})

test('says what is wrong with the file that it cannot write', async () => {
  const outcome = await holdfast(folder, 'report', '--store', 'store', '-o', 'missing/run.html', '--json')
  expect(outcome).toMatchObject({ stdout: '', stderr: expect.stringContaining('missing/run.html') as string })
  expect(outcome.code).not.toBe(0)
})
