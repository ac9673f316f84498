import { firstMissing } from '../formats/whole-file.ts'
import { foreign, incomplete, type Layout } from './layout.ts'

const lastLink = 'last'

/**
 * Checkpoints of LeRobot: `checkpoints/000500/`, then the link `checkpoints/last` to it. A folder is complete if the
 * link was created after its files.
 */
export const lerobot: Layout = {
  name: 'lerobot',
  title: 'LeRobot checkpoints (checkpoints/N and checkpoints/last)',
  patterns: ['checkpoints/{step}/', '{step}/'],
  read: async (contents) => {
    if (!contents.files.some(({ name }) => name.startsWith('pretrained_model/'))) return foreign
    const last = await contents.linkBeside(lastLink)
    if (last === undefined || last.modifiedAt < contents.modifiedAt)
      return incomplete(`the link ${lastLink}, which follows a finished save`)
    const missing = await firstMissing(contents)
    if (missing !== undefined) return incomplete(missing)
    const { step } = contents.captured
    return { state: 'complete', step, epoch: undefined, metrics: {}, isSignalled: true }
  },
}
