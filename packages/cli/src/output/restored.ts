import { relative } from 'node:path'
import { formatSize, type OtherFiles, type PassedOver, type Restored } from '@holdfast/core'
import { withHint } from './hints.ts'
import type { Printer } from './printer.ts'
import { count, formatDuration, joined } from './text.ts'

/** Prints a restored checkpoint: what was skipped on the way to it, its files, and what else the folder has. */
export function printRestored(
  printer: Printer,
  restored: Restored,
  { folder, duration }: { readonly folder: string; readonly duration: number },
): void {
  notePassedOver(printer, restored)
  const bytes = restored.restored.reduce((sum, { size }) => sum + size, 0)
  const [first, ...others] = restored.restored
  printer.line(
    joined(
      `restored step ${restored.step}`,
      `${formatSize(bytes)} in ${formatDuration(duration)}, verified`,
      first !== undefined && others.length === 0
        ? relative('', first.path)
        : `${count(restored.restored.length, 'file')} in ${folder}`,
    ),
  )
  if (restored.otherFiles !== undefined) noteOtherFiles(printer, restored.otherFiles, folder)
}

/** Prints the damaged catalogs and the checkpoints that a restore passed over. */
export function notePassedOver(printer: Printer, restored: Restored): void {
  for (const { version, reason } of restored.damagedCatalogs) {
    printer.note(
      `version ${version} of the catalog is damaged (${reason}) and was skipped. Run holdfast repair.`,
    )
  }
  for (const each of restored.passedOver) printer.note(passedOverText(each, restored.step))
}

/** Prints which checkpoints a restore quarantined, and delivered from the mirror instead of passing over them. */
export function noteReplaced(
  printer: Printer,
  { passedOver }: Restored,
  quarantined: ReadonlySet<number>,
  url: string,
): void {
  const isPassedOver = (step: number): boolean => passedOver.some((each) => each.step === step)
  for (const step of [...quarantined].filter((each) => !isPassedOver(each)))
    printer.note(`step ${step} is quarantined in ${url}; nothing was deleted.`)
}

function passedOverText({ step, reason, quarantined, tries }: PassedOver, restored: number): string {
  if (tries !== undefined) return `step ${step} is skipped: ${reason}. latest is step ${restored} now.`
  const aside =
    quarantined.kind === 'recorded'
      ? 'It is quarantined'
      : `It could not be quarantined (${withHint({ reason: quarantined.because, hint: quarantined.hint })})`
  return `step ${step} is corrupt: ${reason}. ${aside}; nothing was deleted.`
}

/** Maximum number of other files that are named. */
const namesShown = 3

function noteOtherFiles(printer: Printer, others: OtherFiles, folder: string): void {
  if (others.count === 0) return
  const counted = count(others.count, 'other file')
  if (others.removed) {
    printer.line(`removed ${counted} from ${folder}`)
    return
  }
  const shown = others.names.slice(0, namesShown)
  const names = others.count > shown.length ? `${shown.join(', ')}, ...` : shown.join(', ')
  const { wasOrWere, itOrThem } = others.count === 1 ? one : several
  printer.note(
    `${others.isComplete ? '' : 'at least '}${counted} ${wasOrWere} in ${folder} and ${wasOrWere} left there (${names}).` +
      (others.removable ? ` --exact removes ${itOrThem}.` : ''),
  )
}

const one = { wasOrWere: 'was', itOrThem: 'it' } as const
const several = { wasOrWere: 'were', itOrThem: 'them' } as const
