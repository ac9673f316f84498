import { describeConformance } from '@holdfast/conformance'
import { describe, test } from 'vitest'
import { unusualServers } from './servers.ts'
import { subjectOfProcesses } from './subject.ts'

for (const server of await unusualServers())
  describeConformance(
    { describe, test },
    `S3Backend on ${server.name} as a whole`,
    subjectOfProcesses(server),
  )
