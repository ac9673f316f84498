import { describeConformance, processCases } from '@holdfast/conformance'
import { describe, test } from 'vitest'
import { noServer } from './server.ts'
import { subjectOfProcesses } from './subject.ts'

const runner = { describe: describe.skipIf(noServer), test }
describeConformance(runner, 'AzureBackend in several processes', subjectOfProcesses, processCases)
