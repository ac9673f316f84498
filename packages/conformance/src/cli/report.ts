import { styleText } from 'node:util'
import { type BackendCapabilities, formatSize } from '@holdfast/core/backend'

/** What became of one case. */
export interface Finding {
  readonly name: string
  readonly outcome: 'ok' | 'failed' | 'not asked'
  /** Why it failed, or was not asked. */
  readonly why?: string | undefined
}

export interface Summary {
  readonly url: string
  readonly capabilities: BackendCapabilities
  readonly findings: readonly Finding[]
  /** What could not be removed, and where it lies. */
  readonly cleanupFailed: string | undefined
  readonly interrupted: boolean
}

/** Says what is found, as it is found: sentences for people, or lines of JSON for programs. Notes go to stderr. */
export interface Report {
  note(text: string): void
  finding(finding: Finding): void
  end(summary: Summary): void
  /** The command line is wrong, or the place cannot be used. */
  error(code: string, message: string): void
}

export function reportIn(json: boolean): Report {
  return json ? jsonReport : textReport
}

const jsonReport: Report = {
  note: () => undefined,
  finding(finding) {
    writeJson(process.stdout, { type: 'case', ...finding })
  },
  end({ findings, ...summary }) {
    writeJson(process.stdout, { type: 'result', ...summary, ...counted(findings) })
  },
  error(code, message) {
    writeJson(process.stderr, { type: 'error', code, message })
  },
}

const textReport: Report = {
  note(text) {
    process.stderr.write(`${text}\n`)
  },
  finding({ name, outcome, why }) {
    const mark = { ok: styled('green', 'ok    '), failed: styled('red', 'FAILED'), 'not asked': '--    ' }[
      outcome
    ]
    const reason = why === undefined ? '' : `\n${indented(why)}`
    process.stdout.write(`${mark}  ${name}${reason}\n`)
  },
  end(summary) {
    process.stdout.write(`\n${capabilityLines(summary.capabilities).join('\n')}\n\n${sentence(summary)}\n`)
  },
  error(_, message) {
    process.stderr.write(`${styled('red', 'holdfast-conformance:')} ${message}\n`)
  },
}

function counted(findings: readonly Finding[]): Readonly<Record<'ok' | 'failed' | 'notAsked', number>> {
  const count = (outcome: Finding['outcome']): number =>
    findings.filter((finding) => finding.outcome === outcome).length
  return { ok: count('ok'), failed: count('failed'), notAsked: count('not asked') }
}

function capabilityLines(capabilities: BackendCapabilities): readonly string[] {
  const { freeSpace, hash, localRoot, maxKeyBytes, maxObjectBytes, maxBufferedBytes, smallObjectsAtOnce } =
    capabilities
  const words = {
    hash: { store: "the store's own", writer: "a writer's", computed: 'computed by reading' }[hash],
  }
  return [
    `free space      ${freeSpace}`,
    `digests         ${words.hash}`,
    `longest key     ${maxKeyBytes} bytes`,
    `largest object  ${formatSize(maxObjectBytes)}`,
    `memory of a put ${formatSize(maxBufferedBytes)} at most`,
    `small objects   ${smallObjectsAtOnce} at once`,
    `local files     ${localRoot === undefined ? 'no' : 'yes'}`,
  ]
}

function sentence({ url, findings, cleanupFailed, interrupted }: Summary): string {
  const { ok, failed, notAsked } = counted(findings)
  const verdict =
    failed > 0
      ? `${url} breaks the port: ${failed} of ${ok + failed} cases failed`
      : `${url} keeps the port: all ${ok} cases hold`
  return [
    notAsked === 0 ? `${verdict}.` : `${verdict}; ${notAsked} could not be asked.`,
    interrupted ? 'It was interrupted, and the rest was not asked.' : undefined,
    cleanupFailed === undefined
      ? 'What was made there is removed.'
      : `Something was left behind: ${cleanupFailed}`,
  ]
    .filter((part) => part !== undefined)
    .join(' ')
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '        ')
}

function styled(style: 'green' | 'red', text: string): string {
  return styleText(style, text, { stream: process.stdout })
}

function writeJson(stream: NodeJS.WriteStream, line: Readonly<Record<string, unknown>>): void {
  stream.write(`${JSON.stringify(line)}\n`)
}
