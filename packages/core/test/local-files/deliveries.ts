import { sha256Hex } from '../../src/integrity/index.ts'
import type { Delivery, DeliveryOptions } from '../../src/local-files/delivery/to-directory.ts'
import type { Texts } from '../trees.ts'

export function deliveriesOf(files: Texts): readonly Delivery[] {
  return Object.entries(files).map(([name, text]) => ({
    name,
    size: Buffer.byteLength(text),
    sha256: sha256Hex(Buffer.from(text)),
    open: async () => chunksOf(text),
  }))
}

async function* chunksOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text)
}

export const plain: DeliveryOptions = {
  signal: undefined,
  onProgress: undefined,
  storeFolders: [],
  others: 'report',
}

/** Returns files of 100 kB, and calls `onOpen` with the number of files that were opened. */
export function countedDeliveries(
  count: number,
  onOpen: (opened: number) => void,
  seed = 0,
): readonly Delivery[] {
  let opened = 0
  return Array.from({ length: count }, (_, index) => {
    const bytes = Buffer.alloc(100_000, `${seed} ${index} `)
    async function* chunks(): AsyncGenerator<Uint8Array> {
      yield bytes
    }
    return {
      name: `shard-${index}`,
      size: bytes.byteLength,
      sha256: sha256Hex(bytes),
      open: async () => {
        opened += 1
        onOpen(opened)
        return chunks()
      },
    }
  })
}
