import { firstMissing } from '../formats/whole-file.ts'
import { foreign, incomplete, type Layout, stepOf } from './layout.ts'
import { factsOfName } from '../names/name-facts.ts'

/** Numbered folders, as simulations write them. Only a long quiet period shows their end. */
export const numbered: Layout = {
  name: 'numbered',
  title: 'numbered folders',
  patterns: ['*/'],
  read: async (contents) => {
    const { step, epoch, metrics } = factsOfName(contents.name)
    const count = stepOf({ step, epoch })
    if (count === undefined) return foreign
    if (contents.files.length === 0) return incomplete('a file in the folder')
    const missing = await firstMissing(contents)
    if (missing !== undefined) return incomplete(missing)
    return { state: 'complete', step: count, epoch, metrics, isSignalled: false }
  },
}
