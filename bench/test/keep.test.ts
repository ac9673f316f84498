import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type Findings, keep, type WorkResult } from '../src/index.ts'
import { toyGroup } from './toy-group.ts'

const work = (name: string): WorkResult => {
  return { name, unit: 'ms', rounds: 1, planned: 1, contenders: [], verdicts: [] }
}

test('replaces the results of a group, and keeps the earlier ones of a group without new results', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-keep-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'results.json')
  const kept = async () => {
    const { groups } = JSON.parse(await readFile(file, 'utf8')) as Findings
    return groups.map(({ group, works }) => [group, ...works.map(({ name }) => name)])
  }
  expect(await keep(toyGroup([work('first')], { group: 's3' }), file)).toBe(true)
  expect(await keep(toyGroup([work('disk')], { group: 'fs' }), file)).toBe(true)
  expect(await keep(toyGroup([work('second')], { group: 's3' }), file)).toBe(true)
  const leftOut = [{ what: 's3', why: 'there is no server' }]
  expect(await keep(toyGroup([], { group: 's3', leftOut }), file)).toBe(false)
  expect(await kept()).toEqual([
    ['fs', 'disk'],
    ['s3', 'second'],
  ])
  expect(await readdir(folder)).toEqual(['results.json'])
})
