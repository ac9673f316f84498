import { testMirrors } from './schedules.ts'

const effort = Number(process.env['HOLDFAST_TEST_EFFORT'] ?? 1)

testMirrors(300 * effort)
