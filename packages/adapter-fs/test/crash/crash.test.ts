import { testCrashes, testCrashModel } from './crashes.ts'

testCrashes(17)
testCrashModel()
