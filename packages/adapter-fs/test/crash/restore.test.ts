import { testRestoreCrashes } from './restores.ts'

testRestoreCrashes(3, 8)
