import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { formatSize, HoldfastError, isHoldfastError, messageOf } from '@holdfast/core/backend'
import { runCase } from '../run-case.ts'
import type { Case, Subject } from '../subject.ts'
import { conformanceCases } from '../suite.ts'
import { type Arguments, help, readArguments } from './arguments.ts'
import { findPartBytes } from './part-size.ts'
import { type Finding, type Report, reportIn } from './report.ts'
import { Workplace } from './workplace.ts'

/** Minutes after which a case counts as hanging: a slow store needs a fraction of them. */
const patience = 15

export const exitCodes = { holds: 0, fails: 1, usage: 2, interrupted: 130 } as const

/** Runs one command line, and gives the exit code. After the signal no further case is begun. */
export async function run(words: readonly string[], signal: AbortSignal): Promise<number> {
  const report = reportIn(words.includes('--json'))
  try {
    const asked = readArguments(words)
    if (asked !== 'help') return await judge(asked, chosen(asked.only), report, signal)
    process.stdout.write(help)
    return exitCodes.holds
  } catch (error) {
    if (!isHoldfastError(error)) throw error
    report.error(error.code, error.message)
    return ['CONFIG', 'INVALID_ARGUMENT'].includes(error.code) ? exitCodes.usage : exitCodes.fails
  }
}

async function judge(
  { location, adapter, partBytes }: Arguments,
  cases: readonly Case[],
  report: Report,
  signal: AbortSignal,
): Promise<number> {
  const name = `conformance-${randomUUID().slice(0, 8)}`
  const workplace = await Workplace.make({ url: location.href, adapter }, name)
  const { url, capabilities } = workplace.whole
  report.note(
    `Working below ${url} only, which is new, and will be removed. A store that charges for requests`,
  )
  report.note('will charge for some thousands of them, and for about a gigabyte moved.')
  const findings: Finding[] = []
  let cleanupFailed: string | undefined
  try {
    const parts = partBytes ?? (await findPartBytes(workplace.whole))
    report.note(
      `It works in parts of ${formatSize(parts)}${partBytes === undefined ? ', as a put shows' : ''}.`,
    )
    const subject = workplace.subject(parts)
    for (const each of cases) {
      if (signal.aborted) break
      const finding = await find(each, subject)
      report.finding(finding)
      findings.push(finding)
      await failureOf(() => workplace.clear()) // what stays is removed at the end, or said
    }
  } finally {
    cleanupFailed = await failureOf(() => workplace.remove())
  }
  report.end({ url, capabilities, findings, cleanupFailed, interrupted: signal.aborted })
  if (signal.aborted) return exitCodes.interrupted
  const failed = cleanupFailed !== undefined || findings.some(({ outcome }) => outcome === 'failed')
  return failed ? exitCodes.fails : exitCodes.holds
}

async function find(each: Case, subject: Subject): Promise<Finding> {
  const { name } = each
  const notAsked = each.notAsked?.(subject)
  if (notAsked !== undefined) return { name, outcome: 'not asked', why: notAsked }
  const why = await failureOf(() => watched(() => runCase(each, subject)))
  return why === undefined ? { name, outcome: 'ok' } : { name, outcome: 'failed', why }
}

/** Fails also when the case hangs, or leaves a promise to be rejected that nobody waits for. */
async function watched(call: () => Promise<void>): Promise<void> {
  const settled = new AbortController()
  const stray = Promise.withResolvers<never>()
  process.on('unhandledRejection', stray.reject)
  // The timer also keeps the process alive while a backend waits for what never comes.
  const late = setTimeout(patience * 60_000, undefined, { signal: settled.signal }).then(() => {
    throw new HoldfastError('UNAVAILABLE', `It did not end within ${patience} minutes.`)
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

function chosen(only: string | undefined): readonly Case[] {
  if (only === undefined) return conformanceCases
  const cases = conformanceCases.filter(({ name }) => name.toLowerCase().includes(only.toLowerCase()))
  if (cases.length > 0) return cases
  throw new HoldfastError('CONFIG', `No case has ${JSON.stringify(only)} in its name.`)
}
