import { describeConformance, processCases } from '@holdfast/conformance'
import { describe, test } from 'vitest'
import { testServers } from './servers.ts'
import { subjectOfProcesses } from './subject.ts'

for (const server of await testServers()) {
  const name = `S3Backend on ${server.name} in several processes`
  describeConformance({ describe, test }, name, subjectOfProcesses(server), processCases)
}
