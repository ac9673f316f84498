import { testCrashes, testCrashesWithClones } from './crashes.ts'

const effort = Number(process.env['HOLDFAST_TEST_EFFORT'] ?? 1)

testCrashes(effort < 5 ? 4 : 1)
testCrashesWithClones(effort < 5 ? 8 : 1)
