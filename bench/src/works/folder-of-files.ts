import { join } from 'node:path'
import type { Bench } from '../harness/bench.ts'
import { assertSameFolder } from '../harness/bytes.ts'
import type { Comparison, Contender } from '../harness/work.ts'
import { copyEachDurably } from '../peers/by-hand.ts'
import type { Peer } from '../peers/peer.ts'

/** What a restore cannot do without: one write and one fsync for each file. */
const eachFileByHand = 'each file copied and synced by hand'

/** Copies each file of a folder durably, without Holdfast. */
export function copyingEachFile(bench: Bench, original: string): Contender {
  let to = ''
  return {
    name: eachFileByHand,
    prepare: async () => {
      to = await bench.freshFolder('copied-by-hand')
    },
    run: () => copyEachDurably(original, to),
    verify: () => assertSameFolder(to, original),
  }
}

export function againstFloor(of: string): Comparison {
  return { text: eachFileByHand, of, against: { which: 'fastest', names: [eachFileByHand] } }
}

/** Uploads a folder of files named `000000.bin` and so on to keys below a prefix. */
export function uploadingFolder(bench: Bench, peer: Peer, original: string, prefix: string): Contender {
  return {
    name: peer.name,
    mayFail: true,
    run: async () => {
      await peer.uploadFolder?.(original, prefix)
      return undefined
    },
    verify: async () => {
      const to = await bench.freshFolder('downloaded')
      await peer.download(`${prefix}/000000.bin`, join(to, '000000.bin'))
      await assertSameFolder(to, original, ['000000.bin'])
    },
  }
}
