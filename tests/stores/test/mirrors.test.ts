import { describe } from 'vitest'
import { testMirrorLoop } from './support/mirror-rounds.ts'
import { kindsOfStore } from './support/kinds-of-store.ts'

/** The loop is about this client, so a disk and one server are enough. `mirrors.long.test.ts` runs it on all. */
const kinds = (await kindsOfStore()).filter(({ name }) => name === 'a disk' || name === 's3 on the emulator')

describe.each(kinds)('a mirror on $name', (kind) => {
  testMirrorLoop(kind, 4)
})
