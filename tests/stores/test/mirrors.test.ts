import { describe } from 'vitest'
import { testMirrorLoop } from './mirror-rounds.ts'
import { kindsOfStore } from './stores.ts'

/** The loop is about this client, so one server of each kind is enough. `mirrors.long.test.ts` runs it on all. */
const kinds = (await kindsOfStore()).filter(({ name }) => /disk|emulator|Azurite/.test(name))

describe.each(kinds)('a mirror on $name', (kind) => {
  testMirrorLoop(kind, 4)
})
