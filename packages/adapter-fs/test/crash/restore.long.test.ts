import { testRestoreCrashes } from './restores.ts'

testRestoreCrashes(1, 64)
