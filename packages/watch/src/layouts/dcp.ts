import { type Contents, hasFile } from '../folder/contents.ts'
import { factsOfName } from '../names/name-facts.ts'
import { firstMissing } from '../formats/whole-file.ts'
import { foreign, incomplete, type Layout, stepOf } from './layout.ts'

const metadataFile = '.metadata'
const maxMetadataBytes = 256 * 2 ** 20
const dataFile = /__\d+_\d+\.distcp/g

/**
 * Checkpoints of `torch.distributed.checkpoint`. The coordinator writes `.metadata` last. It is a pickle, in which only
 * the names of data files are searched, as plain text.
 */
export const dcp: Layout = {
  name: 'dcp',
  title: 'distributed PyTorch checkpoints (.metadata and *.distcp)',
  patterns: ['*/', 'checkpoint/*/', 'checkpoints/*/'],
  read: async (contents) => {
    if (!contents.files.some(({ name }) => name.endsWith('.distcp'))) return foreign
    if (!hasFile(contents, metadataFile)) return incomplete(metadataFile)
    const missing = await missingData(contents)
    if (missing !== undefined) return incomplete(missing)
    const { step, epoch, metrics } = factsOfName(contents.name)
    const marker = metadataFile
    return { state: 'complete', step: stepOf({ step, epoch }), epoch, metrics, isSignalled: true, marker }
  },
}

async function missingData(contents: Contents): Promise<string | undefined> {
  const text = Buffer.from(await contents.read(metadataFile, 0, maxMetadataBytes)).toString('latin1')
  const metadata = contents.files.filter(({ name }) => name === metadataFile)
  const isCut = (await firstMissing(contents, metadata)) !== undefined
  if (isCut) return `the end of ${metadataFile}`
  const named = new Set(text.match(dataFile))
  if (named.size === 0) return `the end of ${metadataFile}`
  return [...named].find((name) => !hasFile(contents, name))
}
