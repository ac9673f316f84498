import { testStoppedRestores } from './stopped.ts'

testStoppedRestores(3, 5)
