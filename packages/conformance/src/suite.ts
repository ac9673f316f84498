import { abortCases } from './cases/abort.ts'
import { commitCases } from './cases/commit.ts'
import { contractCases } from './cases/contract.ts'
import { keyCases } from './cases/keys.ts'
import { listCases } from './cases/list.ts'
import { putCases } from './cases/put.ts'
import { readCases } from './cases/read.ts'
import { refuseUnknownGaps, runCase, titleOf } from './run-case.ts'
import type { Case, Subject } from './subject.ts'

/** What a test runner offers: `describe` and `test` of vitest, jest, mocha or node:test. */
export interface Runner {
  describe(name: string, body: () => void): void
  test(name: string, body: () => Promise<void>): void
}

/** Every sentence of the port, in the order of its methods. */
export const conformanceCases: readonly Case[] = [
  ...putCases,
  ...commitCases,
  ...readCases,
  ...keyCases,
  ...listCases,
  ...abortCases,
  ...contractCases,
]

/**
 * Holds a backend to the port: each test opens one on a place of its own. Throws `INVALID_ARGUMENT` for a gap that
 * names no case.
 *
 * @example
 * describeConformance({ describe, test }, 'MemoryBackend', {
 *   open: async () => new MemoryBackend(),
 *   reopen: async (backend) => backend,
 *   partBytes: 1 << 20,
 * })
 */
export function describeConformance(runner: Runner, name: string, subject: Subject): void {
  refuseUnknownGaps(subject, conformanceCases)
  runner.describe(`${name} keeps the port`, () => {
    for (const each of conformanceCases) {
      runner.test(titleOf(each, subject), () => runCase(each, subject))
    }
  })
}
