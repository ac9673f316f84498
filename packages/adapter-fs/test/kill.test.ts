import { testKills } from './kill-loop/kills.ts'

testKills(5)
