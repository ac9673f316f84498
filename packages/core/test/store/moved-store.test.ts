import { expect, test } from 'vitest'
import { type CheckpointStore, type MemoryBackend } from '../../src/index.ts'
import { decodeMarker, type Marker } from '../../src/catalog/documents/index.ts'
import { codeOf, FaultyBackend, flipBit, keysOf, storeOn, tamper, temporaryFolder } from '../stores.ts'

const files = { a: Buffer.from('some bytes') }

/** A server of an object store. Stores with the same URL are at different places on different servers. */
class Server extends FaultyBackend {
  serverName: string
  readonly #enforces: boolean

  constructor(name: string, { enforces = true } = {}) {
    super('mem://bucket/run')
    this.serverName = name
    this.#enforces = enforces
  }

  override async place(): Promise<string> {
    return `${this.url}?endpoint=${this.serverName}`
  }

  /** A server that ignores `If-None-Match` overwrites. */
  override async commit(...parameters: Parameters<MemoryBackend['commit']>) {
    if (this.#enforces) return super.commit(...parameters)
    await this.put(parameters[0], parameters[1])
    return 'created'
  }

  get probes(): number {
    return this.calls.filter((call) => call.startsWith('commit probe/')).length
  }

  async marker(): Promise<Marker> {
    const { body } = await this.read('holdfast.json')
    return decodeMarker(Buffer.concat(await Array.fromAsync(body)))
  }

  async copyTo(other: Server): Promise<Server> {
    for (const key of await keysOf(this)) {
      const { body } = await this.read(key)
      await other.put(key, Buffer.concat(await Array.fromAsync(body)))
    }
    return other
  }
}

async function savedOn(server: Server): Promise<Server> {
  const store = storeOn(server, { mode: 'shared' })
  for (const step of [1, 2]) await store.save({ step, files })
  return server
}

/** Every operation that commits. None of them may trust a new place without a probe. */
const writes: Readonly<Record<string, (store: CheckpointStore) => Promise<unknown>>> = {
  save: (store) => store.save({ step: 3, files }),
  attach: (store) => store.attach(1, { loss: 1 }),
  pin: (store) => store.pin(1),
  delete: (store) => store.delete([1]),
  sweep: (store) => store.sweep(),
}

test.each(Object.entries(writes))(
  '%s refuses a store copied to a server that ignores conditions',
  async (_, write) => {
    const server = await (await savedOn(new Server('one'))).copyTo(new Server('other', { enforces: false }))
    const before = await keysOf(server)
    for (const mode of ['shared', 'exclusive'] as const)
      expect(await codeOf(write(storeOn(server, { mode })))).toBe('UNSUPPORTED')
    expect(await keysOf(server)).toEqual(before)
  },
)

test('refuses to repair a store copied to a server that ignores conditions', async () => {
  const server = await (await savedOn(new Server('one'))).copyTo(new Server('other', { enforces: false }))
  await tamper(server, (await keysOf(server, 'catalog/')).at(-1) ?? '', flipBit)
  const before = await keysOf(server)
  expect(await codeOf(storeOn(server, { mode: 'shared' }).repair())).toBe('UNSUPPORTED')
  expect(await keysOf(server)).toEqual(before)
})

test('restores an older checkpoint from a server that ignores conditions, and quarantines nothing', async () => {
  const server = await (await savedOn(new Server('one'))).copyTo(new Server('other', { enforces: false }))
  const store = storeOn(server, { mode: 'shared' })
  await tamper(server, (await store.get(2))?.files[0]?.key ?? '', flipBit)
  const before = await keysOf(server)
  expect(await store.restore('latest', { to: await temporaryFolder(), fallback: true })).toMatchObject({
    step: 1,
    passedOver: [
      {
        step: 2,
        quarantined: {
          kind: 'not recorded',
          because: expect.stringContaining('conditional creation') as string,
        },
      },
    ],
  })
  expect(await keysOf(server)).toEqual(before)
})

test('verifies a moved store once at its new place, and keeps its id', async () => {
  const old = await savedOn(new Server('old'))
  const server = await old.copyTo(new Server('new'))
  for (const step of [3, 4]) await storeOn(server, { mode: 'shared' }).save({ step, files })
  expect(server.probes).toBe(2)
  expect(await server.marker()).toMatchObject({
    id: (await old.marker()).id,
    verifiedPlaces: ['mem://bucket/run?endpoint=new', 'mem://bucket/run?endpoint=old'],
  })
})

test('verifies a store with two names once under each', async () => {
  const server = await savedOn(new Server('one'))
  for (const [step, name] of [
    [3, 'other'],
    [4, 'one'],
    [5, 'other'],
    [6, 'one'],
  ] as const) {
    server.serverName = name
    await storeOn(server, { mode: 'shared' }).save({ step, files })
  }
  expect(server.probes).toBe(4)
})

test('records the latest eight places in the marker', async () => {
  const server = await savedOn(new Server('0'))
  for (let name = 1; name <= 8; name += 1) {
    server.serverName = String(name)
    await storeOn(server, { mode: 'shared' }).pin(1)
  }
  const { verifiedPlaces } = await server.marker()
  expect(verifiedPlaces).toHaveLength(8)
  expect(verifiedPlaces[0]).toContain('endpoint=8')
  expect(verifiedPlaces.at(-1)).toContain('endpoint=1')
})

test('replaces a damaged marker by one that names the verified place', async () => {
  const server = await savedOn(new Server('one'))
  await tamper(server, 'holdfast.json', flipBit)
  expect(await storeOn(server).repair()).toMatchObject({ markerRewritten: true })
  expect((await server.marker()).verifiedPlaces).toEqual(['mem://bucket/run?endpoint=one'])
})
