import { describeConformance } from '@holdfast/conformance'
import { describe, test } from 'vitest'
import { noServer } from './server.ts'
import { subject } from './subject.ts'

describeConformance({ describe: describe.skipIf(noServer), test }, 'AzureBackend', subject)
