import { randomUUID } from 'node:crypto'
import type { Sample } from '../harness/bytes.ts'
import type { Clients } from './store-server.ts'

/** Uploads a file as one object. Returns a function that returns a URL at which anyone can read it. */
export async function uploadPlain(clients: Clients, { path }: Sample): Promise<() => Promise<string>> {
  const place = `plain-${randomUUID()}`
  const backend = await clients.open(place)
  try {
    await backend.put('plain.bin', { path })
  } finally {
    await backend.close()
  }
  return () => clients.url(`${place}/plain.bin`)
}
