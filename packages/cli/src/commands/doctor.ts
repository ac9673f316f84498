import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { styled } from '../output/printer.ts'
import { type GlobalOptions, withStore } from '../with-store.ts'

const marks = { good: ['green', '✓'], warning: ['yellow', '!'], bad: ['red', '✗'] } as const

export async function doctor(options: GlobalOptions, signal: AbortSignal): Promise<ExitCode> {
  return withStore(options, signal, async ({ store, printer }) => {
    const diagnoses = await store.examine({ signal })
    printer.line(store.url)
    for (const { check, verdict, finding } of diagnoses) {
      const [style, mark] = marks[verdict]
      printer.line(`${styled(style, mark)} ${check.padEnd(18)} ${finding}`)
    }
    for (const diagnosis of diagnoses) printer.data({ type: 'diagnosis', ...diagnosis })
    const healthy = diagnoses.every(({ verdict }) => verdict !== 'bad')
    printer.data({ type: 'result', command: 'doctor', healthy, url: store.url })
    return healthy ? exitCodes.done : exitCodes.failed
  })
}
