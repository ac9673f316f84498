import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { environmentOf } from './support/open-at.ts'
import { kindsOfStore, type Place } from './support/kinds-of-store.ts'

const folder = await mkdtemp(join(tmpdir(), 'holdfast-one-program-'))
const run = promisify(execFile)

afterAll(async () => {
  await rm(folder, { recursive: true })
})

async function outputOn(place: Place): Promise<unknown> {
  const { stdout } = await run(
    process.execPath,
    [join(import.meta.dirname, 'programs/user-program.ts'), folder],
    {
      env: { ...environmentOf(place), HOLDFAST_STORE: place.url },
    },
  )
  return JSON.parse(stdout) as unknown
}

test('one program has the same output on every store that HOLDFAST_STORE names', async () => {
  const kinds = await kindsOfStore()
  const outputs: unknown[] = []
  for (const kind of kinds) outputs.push(await outputOn(kind.place()))
  for (const output of outputs) {
    expect(output).toMatchObject({
      restored: 1,
      good: true,
      listed: [
        { step: 1, bestOf: ['loss'], keptBecause: ['best loss'] },
        { step: 3, keptBecause: ['last 2', 'pinned "a good one"'] },
        { step: 4, keptBecause: ['last 2'] },
      ],
    })
    expect(output).toEqual(outputs[0])
  }
})

test('the error for an invalid location names the correct form', async () => {
  const [disk] = await kindsOfStore()
  if (disk === undefined) throw new Error('The list of stores must contain a disk')
  const failure = async (url: string): Promise<string> => {
    try {
      await outputOn({ url, env: {} })
      return 'no error'
    } catch (error) {
      return String(error)
    }
  }
  expect(await failure('s3://bucket/a?regoin=eu-west-1')).toMatch(/no option regoin. Known: region/)
  expect(await failure('gs://bucket/a?endpont=x')).toMatch(/no option endpont/)
  expect(await failure('az://account')).toMatch(/az:\/\/account\/container/)
  expect(await failure('ftp://host/a')).toMatch(/No adapter is known for ftp:/)
})
