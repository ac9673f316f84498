import type { Delivery, DeliveryOptions } from '../../src/local-files/to-directory.ts'
import type { Texts } from '../trees.ts'

export function deliveriesOf(files: Texts): readonly Delivery[] {
  return Object.entries(files).map(([name, text]) => ({
    name,
    size: Buffer.byteLength(text),
    open: async () => chunksOf(text),
  }))
}

async function* chunksOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text)
}

export const plain: DeliveryOptions = {
  signal: undefined,
  onProgress: undefined,
  storeRoot: undefined,
  others: 'report',
}
