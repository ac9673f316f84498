import { testMirrors } from './schedules.ts'

testMirrors(1000)
