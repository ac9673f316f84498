import { describeConformance } from '@holdfast/conformance'
import { describe, test } from 'vitest'
import { testServers } from './servers.ts'
import { subjectOn } from './subject.ts'

for (const server of await testServers())
  describeConformance({ describe, test }, `S3Backend on ${server.name}`, subjectOn(server))
