import type { RanGroup, WorkResult } from '../src/index.ts'

const machine = { processor: '', cores: 1, memoryBytes: 1, system: '', disk: '', versions: {} }

/** Returns a group named `toy` that was measured. */
export function toyGroup(works: readonly WorkResult[], change: Partial<RanGroup> = {}): RanGroup {
  return { group: 'toy', works, leftOut: [], ranAt: '', command: '', machine, load: 0, ...change }
}
