import { testCrashes, testCrashModel } from './crashes.ts'

testCrashes(13)
testCrashModel()
