import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { processorTime, ticksOfChildren } from '../src/harness/processor.ts'

test('reads the processor time of ended children, also if the name of the program looks like fields', () => {
  const fields = Array.from({ length: 50 }, (_, index) => index + 3)
  expect(ticksOfChildren(`1 (a) R (b 1 2) ${fields.join(' ')}`)).toBe(16 + 17)
})

test.runIf(process.platform === 'linux')(
  'counts the work of this process and of ended programs',
  async () => {
    const before = (await processorTime()) ?? NaN
    execFileSync(process.execPath, [
      '-e',
      'const end = process.cpuUsage().user + 2e5; while (process.cpuUsage().user < end);',
    ])
    expect(((await processorTime()) ?? NaN) - before).toBeGreaterThan(150)
  },
)
