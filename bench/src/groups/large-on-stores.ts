import { join } from 'node:path'
import type { Bench } from '../harness/bench.ts'
import { writeSample } from '../harness/bytes.ts'
import { leaveOutMissing, objectStores, placeNames } from '../stores/object-stores.ts'
import { s3OverTls } from '../stores/s3.ts'
import { moving } from '../works/large-file.ts'

const servers = { ...objectStores, tls: s3OverTls }

/** Measures transfers of one large file to and from a server on this machine. */
export function largeOnStore(name: keyof typeof servers): (bench: Bench) => Promise<void> {
  return async (bench) => {
    const server = await servers[name]()
    if ('why' in server) {
      bench.leaveOut(name, server.why)
      return
    }
    await using _ = server
    const clients = await server.connect(server.origin)
    leaveOutMissing(bench, clients)
    const sample = await writeSample(join(bench.folder, 'sample.bin'), bench.scale.bytes)
    await moving(bench, clients, sample, { where: server.name, place: placeNames[name] })
  }
}
