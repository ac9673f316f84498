import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { environment, holdfastProcess, type Outcome } from './holdfast.ts'

const shift = `
const ahead = Number(process.env.HOURS_AHEAD) * 3600e3, RealDate = Date
globalThis.Date = class extends RealDate {
  constructor(...given) { if (given.length > 0) super(...given); else super(RealDate.now() + ahead) }
  static now() { return RealDate.now() + ahead }
}
`

/** Runs the command line in a folder, with a clock that is this number of hours ahead. */
export async function holdfastAt(
  folder: string,
  hours: number,
  ...words: readonly string[]
): Promise<Outcome> {
  const preloaded = join(folder, 'shift.mjs')
  await writeFile(preloaded, shift)
  const env = { ...environment(), HOURS_AHEAD: String(hours), NODE_OPTIONS: `--import ${preloaded}` }
  return holdfastProcess(env, folder, ...words)
}
