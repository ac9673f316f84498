import { hasFile } from '../folder/contents.ts'
import { parsePattern } from '../folder/pattern.ts'
import { wholenessOfAll } from '../formats/whole-file.ts'
import { incomplete, type Layout, stepOf } from './layout.ts'

/** A checkpoint format of your own. */
export interface CustomLayout {
  /**
   * The pattern of the checkpoints below the folder, such as `out/step_{step}/` or `epoch{epoch}_loss{loss}.pth`. `*`
   * matches any part of a name. A pattern that ends with `/` matches folders.
   */
  readonly pattern: string
  /**
   * The file in a checkpoint's folder that its writer writes last. Without one, a long quiet period shows the end, except of a single
   * file whose format shows it.
   */
  readonly completeWhen?: string | undefined
}

/** Creates a layout from a pattern. Throws `INVALID_ARGUMENT` for an invalid pattern. */
export function customLayout({ pattern, completeWhen }: CustomLayout): Layout {
  parsePattern(pattern)
  return {
    name: 'custom',
    title: completeWhen === undefined ? pattern : `${pattern} with ${completeWhen}`,
    patterns: [pattern],
    read: async (contents) => {
      if (contents.files.length === 0) return incomplete('a file in the folder')
      if (completeWhen !== undefined && !hasFile(contents, completeWhen)) return incomplete(completeWhen)
      const found = await wholenessOfAll(contents)
      if (typeof found === 'object') return incomplete(found.missing)
      const { epoch, metrics } = contents.captured
      return {
        state: 'complete',
        step: stepOf(contents.captured),
        epoch,
        metrics,
        isSignalled: completeWhen !== undefined || found === 'whole',
        marker: completeWhen,
      }
    },
  }
}
