import { testStoppedRestores } from './stopped.ts'

testStoppedRestores(1, 2)
