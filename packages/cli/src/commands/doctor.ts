import { existsSync } from 'node:fs'
import { rmdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fromNodeError, nodeErrorCode } from '@holdfast/core/backend'
import { defineCommand } from '../declare/command.ts'
import { exitCodes } from '../exit-codes.ts'
import { withHint } from '../output/hints.ts'
import { styled } from '../output/printer.ts'
import { withStore } from '../with-store.ts'

const marks = { good: ['green', '✓'], warning: ['yellow', '!'], bad: ['red', '✗'] } as const

export const doctor = defineCommand({
  example: 'holdfast doctor --store ./runs/a',
  arguments: [],
  options: {},
  run: async ({ options, signal }) =>
    withStore(options, signal, async ({ store, printer }) => {
      const { localRoot } = store.backend.capabilities
      const missing = localRoot === undefined ? [] : missingFolders(localRoot)
      const found = await store.doctor({ signal }).finally(() => removeEmpty(missing))
      const diagnoses = found.map(({ check, verdict, finding, hint }) => {
        return { check, verdict, finding: withHint({ reason: finding, hint }) }
      })
      printer.line(store.url)
      for (const { check, verdict, finding } of diagnoses) {
        const [style, mark] = marks[verdict]
        printer.line(styled(style, mark), ` ${check.padEnd(18)} ${finding}`)
      }
      for (const diagnosis of diagnoses) printer.data({ type: 'diagnosis', ...diagnosis })
      const healthy = diagnoses.every(({ verdict }) => verdict !== 'bad')
      printer.data({ type: 'result', command: 'doctor', healthy, url: store.url })
      return healthy ? exitCodes.done : exitCodes.failed
    }),
})

/** Returns the missing folders of a path, the deepest first. */
function missingFolders(place: string): readonly string[] {
  return existsSync(place) ? [] : [place, ...missingFolders(dirname(place))]
}

/** Removes the folders that the trial writes created. A folder that is in use by now is kept. */
async function removeEmpty(folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    try {
      await rmdir(folder)
    } catch (error) {
      const code = nodeErrorCode(error) ?? ''
      if (['ENOTEMPTY', 'EEXIST'].includes(code)) return
      if (code !== 'ENOENT') throw fromNodeError(error, `removing ${folder}`)
    }
  }
}
