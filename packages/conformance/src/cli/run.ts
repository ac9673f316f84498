import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import type { Diagnosis } from '@holdfast/core'
import { formatSize, HoldfastError, isHoldfastError, messageOf } from '@holdfast/core/backend'
import { runCase } from '../run-case.ts'
import type { Case, Subject } from '../subject.ts'
import { conformanceCases } from '../suite.ts'
import { type Arguments, help, readArguments } from './arguments.ts'
import { assertPartBytes, findPartBytes } from './part-size.ts'
import { probe } from './probe.ts'
import { type CaseResult, type Report, reportIn } from './report.ts'
import { policiesFor } from '../policies/index.ts'
import { Workplace } from './workplace.ts'

/** Minutes after which a case fails because it hangs. Slow stores need much less. */
const maxMinutes = 15

export const exitCodes = { holds: 0, fails: 1, usage: 2, interrupted: 130 } as const

/** Runs a command line, and returns the exit code. After `signal` has fired, no further case starts. */
export async function run(words: readonly string[], signal: AbortSignal): Promise<number> {
  const report = reportIn(words.includes('--json'))
  try {
    const parsed = readArguments(words)
    if (parsed !== 'help') return await runCases(parsed, casesNamed(parsed.only), report, signal)
    process.stdout.write(help)
    return exitCodes.holds
  } catch (error) {
    if (!isHoldfastError(error)) throw error
    report.error(error.code, error.message)
    return ['CONFIG', 'INVALID_ARGUMENT'].includes(error.code) ? exitCodes.usage : exitCodes.fails
  }
}

async function runCases(
  { location, adapter, partBytes, policies }: Arguments,
  cases: readonly Case[],
  report: Report,
  signal: AbortSignal,
): Promise<number> {
  const name = `conformance-${randomUUID().slice(0, 8)}`
  const workplace = await Workplace.create({ url: location.href, adapter }, name)
  const { url, capabilities } = workplace.whole
  report.note(`All test objects are below ${url} and are deleted at the end.`)
  report.note(
    'A full run sends thousands of small requests and transfers about 1 GB. Providers may charge for both.',
  )
  const results: CaseResult[] = []
  let diagnoses: readonly Diagnosis[]
  let cleanupFailed: string | undefined
  try {
    if (partBytes !== undefined) await assertPartBytes(workplace.whole, partBytes)
    const parts = partBytes ?? (await findPartBytes(workplace.whole))
    report.note(
      `Part size of the backend: ${formatSize(parts)}${partBytes === undefined ? ' (measured by a put)' : ''}.`,
    )
    diagnoses = await probe(workplace.whole)
    report.probe(diagnoses)
    const subject = workplace.subject(parts)
    for (const each of cases) {
      if (signal.aborted) break
      const result = await resultOf(each, subject)
      report.result(result)
      results.push(result)
      await failureOf(() => workplace.clear()) // the clean-up at the end tries again, and reports its failure
    }
  } finally {
    cleanupFailed = await failureOf(() => workplace.remove())
  }
  const failedChecks = diagnoses.filter(({ verdict }) => verdict === 'bad').map(({ check }) => check)
  report.end({
    url,
    capabilities,
    failedChecks,
    results,
    casesInSuite: conformanceCases.length,
    cleanupFailed,
    interrupted: signal.aborted,
  })
  if (policies) report.policies(policiesFor(location))
  if (signal.aborted) return exitCodes.interrupted
  if (results.every(({ outcome }) => outcome === 'skipped')) return exitCodes.usage
  const failed =
    cleanupFailed !== undefined ||
    failedChecks.length > 0 ||
    results.some(({ outcome }) => outcome === 'failed')
  return failed ? exitCodes.fails : exitCodes.holds
}

async function resultOf(each: Case, subject: Subject): Promise<CaseResult> {
  const { name } = each
  const skipReason = each.skipReason?.(subject)
  if (skipReason !== undefined) return { name, outcome: 'skipped', why: skipReason }
  let notRun: string | undefined
  const failure = await failureOf(() =>
    withDeadline(async () => {
      notRun = await runCase(each, subject)
    }),
  )
  if (failure !== undefined) return { name, outcome: 'failed', why: failure }
  return notRun === undefined ? { name, outcome: 'ok' } : { name, outcome: 'skipped', why: notRun }
}

/** Awaits a call. Rejects as well if the call exceeds the deadline, or if any promise rejects without a handler. */
async function withDeadline(call: () => Promise<void>): Promise<void> {
  const settled = new AbortController()
  const stray = Promise.withResolvers<never>()
  process.on('unhandledRejection', stray.reject)
  // The timer also keeps the process alive while a backend waits for an event that never occurs.
  const late = setTimeout(maxMinutes * 60_000, undefined, { signal: settled.signal }).then(() => {
    throw new HoldfastError(
      'UNAVAILABLE',
      `The case did not end within ${maxMinutes} minutes. Check whether the backend hangs.`,
    )
  })
  try {
    await Promise.race([call(), late, stray.promise])
  } finally {
    settled.abort()
    process.off('unhandledRejection', stray.reject)
  }
}

async function failureOf(call: () => Promise<void>): Promise<string | undefined> {
  try {
    await call()
    return undefined
  } catch (error) {
    return isHoldfastError(error) ? `${error.code}: ${error.message}` : messageOf(error)
  }
}

function casesNamed(only: string | undefined): readonly Case[] {
  if (only === undefined) return conformanceCases
  const cases = conformanceCases.filter(({ name }) => name.toLowerCase().includes(only.toLowerCase()))
  if (cases.length > 0) return cases
  throw new HoldfastError(
    'CONFIG',
    `No name of a case contains ${JSON.stringify(only)}. Run without --only to see all names.`,
  )
}
