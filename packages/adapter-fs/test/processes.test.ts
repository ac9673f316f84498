import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { everythingIn, temporaryFolder } from './folders.ts'

const racers = 8
const rounds = 50

test(`each of ${rounds} keys has exactly one creator, whose bytes are kept, if ${racers} processes race for them`, async () => {
  const root = await temporaryFolder()
  const script = fileURLToPath(new URL('racer.ts', import.meta.url))
  const wins = await Promise.all(
    Array.from({ length: racers }, async (_, racer) => {
      const { stdout } = await promisify(execFile)(process.execPath, [
        script,
        root,
        `racer-${racer}`,
        String(rounds),
      ])
      return JSON.parse(stdout) as readonly number[]
    }),
  )
  for (let round = 0; round < rounds; round += 1) {
    const winners = wins.flatMap((won, racer) => (won.includes(round) ? [racer] : []))
    expect(winners, `round ${round}`).toHaveLength(1)
    expect(await readFile(join(root, 'race', String(round)), 'utf8')).toBe(`racer-${winners[0]} ${round}`)
  }
  expect((await everythingIn(root)).length).toBe(rounds + 1)
})
