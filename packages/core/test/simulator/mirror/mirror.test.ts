import { testMirrors } from './schedules.ts'

testMirrors(30)
