import { abortCases } from './cases/abort.ts'
import { commitCases } from './cases/commit.ts'
import { contractCases } from './cases/contract.ts'
import { failureCases } from './cases/failures.ts'
import { hashCases } from './cases/hash.ts'
import { holdCases } from './cases/holds.ts'
import { keyCases } from './cases/keys.ts'
import { listCases } from './cases/list.ts'
import { processCases } from './cases/processes.ts'
import { putCases } from './cases/put.ts'
import { readCases } from './cases/read.ts'
import { resumeCases } from './cases/resume.ts'
import { unchangedCases } from './cases/unchanged.ts'
import { writeAheadCases } from './cases/write-ahead.ts'
import { refuseUnknownGaps, runCase, titleOf } from './run-case.ts'
import type { Case, Subject } from './subject.ts'

/** What a runner such as vitest or node:test passes to a test. */
export interface TestContext {
  skip?(reason: string): void
}

/**
 * Declares a test. With `skip`, skipped cases are shown as skipped tests. Without it, they are left out. A case that does not
 * apply to the backend, which shows only when it is open, skips itself with the context, if the runner passes one.
 */
export interface TestFunction {
  (name: string, body: (context?: TestContext) => Promise<void>): void
  skip?(name: string, body: () => Promise<void>): void
}

/** The functions `describe` and `test` of a test runner such as vitest, jest, mocha or node:test. */
export interface Runner {
  describe(name: string, body: () => void): void
  readonly test: TestFunction
}

/** All cases, in the order of the methods of `CheckpointBackend`. */
export const conformanceCases: readonly Case[] = [
  ...putCases,
  ...resumeCases,
  ...unchangedCases,
  ...commitCases,
  ...writeAheadCases,
  ...readCases,
  ...hashCases,
  ...holdCases,
  ...keyCases,
  ...listCases,
  ...abortCases,
  ...contractCases,
  ...failureCases,
  ...processCases,
]

/**
 * Declares a test for each case. Each test opens a backend on a new, empty place. `cases` selects the cases, for
 * example only `processCases`, which start other processes and take longest. Throws `INVALID_ARGUMENT` if `gaps` or
 * `unsteady` of the subject contains a name that no case has.
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
  runner.describe(`${name} keeps the guarantees of CheckpointBackend`, () => {
    for (const each of cases) {
      const reason = each.skipReason?.(subject)
      if (reason === undefined) runner.test(titleOf(each, subject), testOf(each, subject))
      else runner.test.skip?.(`${each.name} (skipped: ${reason})`, async () => undefined)
    }
  })
}

/** A default value of its parameter, because jest and mocha pass a callback to a function that requires one. */
function testOf(each: Case, subject: Subject): (context?: TestContext) => Promise<void> {
  return async (context = {}) => {
    const reason = await runCase(each, subject)
    if (reason !== undefined) context.skip?.(reason)
  }
}
