import { testRequests } from './requests-of-ranks.ts'

testRequests(8)
