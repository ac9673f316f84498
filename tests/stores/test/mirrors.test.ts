import { describe } from 'vitest'
import { testMirrorLoop } from './mirror-rounds.ts'
import { kindsOfStore } from './stores.ts'

describe.each(await kindsOfStore())('a mirror on $name', (kind) => {
  testMirrorLoop(kind, 4)
})
