import { abortCases } from './cases/abort.ts'
import { commitCases } from './cases/commit.ts'
import { contractCases } from './cases/contract.ts'
import { failureCases } from './cases/failures.ts'
import { hashCases } from './cases/hash.ts'
import { keyCases } from './cases/keys.ts'
import { listCases } from './cases/list.ts'
import { processCases } from './cases/processes.ts'
import { putCases } from './cases/put.ts'
import { readCases } from './cases/read.ts'
import { refuseUnknownGaps, runCase, titleOf } from './run-case.ts'
import type { Case, Subject } from './subject.ts'

/** Declares a test. A runner that can show one which is not run has `skip`; with others it is left out. */
export interface TestFunction {
  (name: string, body: () => Promise<void>): void
  skip?(name: string, body: () => Promise<void>): void
}

/** What a test runner offers: `describe` and `test` of vitest, jest, mocha or node:test. */
export interface Runner {
  describe(name: string, body: () => void): void
  readonly test: TestFunction
}

/** Every sentence of the port, in the order of its methods. */
export const conformanceCases: readonly Case[] = [
  ...putCases,
  ...commitCases,
  ...readCases,
  ...hashCases,
  ...keyCases,
  ...listCases,
  ...abortCases,
  ...contractCases,
  ...failureCases,
  ...processCases,
]

/**
 * Declares a test for each case. Each test opens a backend on an empty place of its own. `cases` restricts them, for
 * example to `processCases`, which start other processes and take longest. Throws `INVALID_ARGUMENT` for a gap that
 * names no case.
 *
 * @example
 * describeConformance({ describe, test }, 'MemoryBackend', {
 *   open: async () => new MemoryBackend(),
 *   reopen: async (backend) => backend,
 *   partBytes: 1 << 20,
 * })
 */
export function describeConformance(
  runner: Runner,
  name: string,
  subject: Subject,
  cases: readonly Case[] = conformanceCases,
): void {
  refuseUnknownGaps(subject, conformanceCases)
  runner.describe(`${name} keeps the port`, () => {
    for (const each of cases) {
      const why = each.notAsked?.(subject)
      if (why === undefined) runner.test(titleOf(each, subject), () => runCase(each, subject))
      else runner.test.skip?.(`${each.name} (not asked: ${why})`, async () => undefined)
    }
  })
}
