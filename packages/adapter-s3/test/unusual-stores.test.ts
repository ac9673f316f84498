import { conformanceCases, describeConformance } from '@holdfast/conformance'
import { describe, test } from 'vitest'
import { unusualServers } from './servers.ts'
import { subjectOn } from './subject.ts'

/** The cases that depend on what is unusual. The long tests run all of them. */
const chosen = conformanceCases.filter(({ name }) =>
  /^(list |sweep|a sweep|commit creates|concurrent puts|put stores|a resumable put continues|read returns)/.test(
    name,
  ),
)

for (const server of await unusualServers())
  describeConformance({ describe, test }, `S3Backend on ${server.name}`, subjectOn(server), chosen)
