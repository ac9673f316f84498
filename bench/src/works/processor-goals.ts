import type { Comparison } from '../harness/work.ts'
import type { Direction, Peer } from '../peers/peer.ts'
import { rcloneName } from '../peers/rclone.ts'

/** The goals for processor time: that of a peer that also computes a digest, and that of rclone, which is native. */
export function processorOf(peers: readonly Peer[], direction: Direction): readonly Comparison[] {
  const withDigest = peers.filter(({ digests = [] }) => digests.includes(direction))
  const hasDigest = withDigest.some(({ name }) => name === rcloneName)
  const namesOf = (chosen: readonly Peer[]): readonly string[] => chosen.map(({ name }) => name)
  const against = (names: readonly string[]): Comparison['against'] => ({ which: 'fastest', names })
  return [
    {
      text: 'the cheapest peer that computes a digest',
      role: 'digest peer',
      of: 'Holdfast',
      measured: 'processor',
      against: against(namesOf(withDigest)),
      atMost: 1,
    },
    {
      text: hasDigest ? rcloneName : `${rcloneName}, which computes no digest here`,
      role: 'other peer',
      of: 'Holdfast',
      measured: 'processor',
      against: against([rcloneName]),
      atMost: 1.5,
    },
  ]
}
