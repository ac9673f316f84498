import { describe } from 'vitest'
import { testMirrorLoop } from './support/mirror-rounds.ts'
import { kindsOfStore } from './support/kinds-of-store.ts'

const effort = Number(process.env['HOLDFAST_TEST_EFFORT'] ?? 1)

describe.each(await kindsOfStore())('a mirror on $name', (kind) => {
  testMirrorLoop(kind, 5 * effort)
})
