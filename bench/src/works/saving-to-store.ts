import { randomUUID } from 'node:crypto'
import { CheckpointStore, type SaveRequest } from '@holdfast/core'
import type { Bench } from '../harness/bench.ts'
import { assertEqual } from '../harness/bytes.ts'
import type { Contender } from '../harness/work.ts'
import type { Clients } from '../stores/store-server.ts'

/** Saves again and again to one store, and deletes the large checkpoint of the round before. */
export function savingToStore(
  bench: Bench,
  clients: Clients,
  name: string,
  content: Pick<SaveRequest, 'files' | 'packs'>,
  verify: (restored: string) => Promise<void>,
): Contender {
  let store: CheckpointStore | undefined
  let step = 0
  let unchangedBytes = 0
  const current = async (): Promise<CheckpointStore> => {
    store ??= new CheckpointStore(await clients.open(`saved-${randomUUID()}`), { mode: 'shared' })
    return store
  }
  return {
    name,
    prepare: async () => {
      // The latest checkpoint cannot be deleted. A tiny one becomes the latest, so that the large one can be deleted.
      step += 1
      await (await current()).save({ step, files: { 'tiny.bin': Buffer.from('tiny') } })
      const older = (await (await current()).list()).slice(0, -1)
      await (await current()).delete(older.map((each) => each.step))
    },
    run: async () => {
      step += 1
      ;({ unchangedBytes } = await (await current()).save({ step, ...content }))
      return undefined
    },
    verify: async () => {
      assertEqual(unchangedBytes, 0, 'The number of bytes that the save did not send')
      const to = await bench.fresh('restored')
      await (await current()).restore('latest', { to })
      await verify(to)
      await bench.remove(to)
    },
  }
}
