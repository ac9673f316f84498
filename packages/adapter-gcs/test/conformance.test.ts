import { describeConformance } from '@holdfast/conformance'
import { describe, test } from 'vitest'
import { testServers } from './servers.ts'
import { subjectOn } from './subject.ts'

for (const server of await testServers())
  describeConformance({ describe, test }, `GcsBackend on ${server.name}`, subjectOn(server))
