import { testCrashes, testCrashesWithClones, testCrashModel } from './crashes.ts'

testCrashes(17)
testCrashesWithClones(37)
testCrashModel()
