import { testKills } from './kill-loop/kills.ts'

testKills(15)
