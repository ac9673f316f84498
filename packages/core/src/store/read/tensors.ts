import { concurrently } from '../../async/concurrently.ts'
import type { CheckpointChoice } from '../../catalog/judging/choose.ts'
import type { AttemptId, ManifestFile } from '../../catalog/documents/index.ts'
import { type TensorList, TensorListReader } from '../../tensors/tensor-list.ts'
import { type PayloadReader, payloadReader } from '../attempts/payload-reader.ts'
import { readPart } from '../attempts/read-verified.ts'
import type { StoreContext } from '../context/context.ts'
import { requireWithManifest } from './find.ts'

/** A file of a checkpoint, and the tensors that it describes. */
export type TensorsOfFile = { readonly file: string } & TensorList

/**
 * How many bytes of a file the first request reads. Each further request reads three times as many. Skipping fewer bytes saves
 * less than a request costs.
 */
const firstBytes = 2 ** 18

/** How many bytes to read after a skip of more than `firstBytes`, because another such skip is likely. */
const bytesAfterSkip = 2 ** 14

/** The end of the names of files of torch.distributed.checkpoint, which have an archive for each item. */
const severalArchives = '.distcp'

const filesAtOnce = 8

/** Returns the tensors of each file of a checkpoint, in the order of the files. */
export async function tensorsOf(
  context: StoreContext,
  choice: CheckpointChoice,
  signal: AbortSignal | undefined,
): Promise<readonly TensorsOfFile[]> {
  const { entry, manifest } = await requireWithManifest(context, choice, signal)
  return concurrently(manifest.files, filesAtOnce, signal, async (file, each) => ({
    file: file.name,
    ...(await tensorsOfFile(payloadReader(context), entry.attempt, file, each)),
  }))
}

async function tensorsOfFile(
  reader: PayloadReader,
  attempt: AttemptId,
  file: ManifestFile,
  signal: AbortSignal,
): Promise<TensorList> {
  const tensors = new TensorListReader(file.name.endsWith(severalArchives) ? 'all' : 'first')
  let start = 0
  let bytes = firstBytes
  while (start < file.size) {
    const end = Math.min(start + bytes, file.size)
    for await (const chunk of await readPart(reader, attempt, file, { start, end }, signal)) {
      const list = tensors.update(chunk)
      if (list !== undefined) return list
    }
    const skipped = tensors.skip(file.size - end)
    start = end + skipped
    bytes = skipped > firstBytes ? bytesAfterSkip : 3 * bytes
  }
  return tensors.finish()
}
