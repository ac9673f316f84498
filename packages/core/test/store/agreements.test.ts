import { expect, test } from 'vitest'
import { type CommitOutcome } from '../../src/backend.ts'
import { HoldfastError, MemoryBackend, systemEnvironment as environment } from '../../src/index.ts'
import { agreementKey, agreementName } from '../../src/catalog/documents/index.ts'
import { agree, listAgreements, readAgreement } from '../../src/store/agreements/agree.ts'
import { codeOf, FaultyBackend, flipBit, tamper } from '../stores.ts'

/** A store on which a sweeper deletes an agreement right after its creation, and its creator gets no response. */
class VanishingBackend extends MemoryBackend {
  commits = 0
  readonly #fate: 'the response is lost' | 'another creates it'

  constructor(fate: 'the response is lost' | 'another creates it') {
    super()
    this.#fate = fate
  }

  override async commit(key: string): Promise<CommitOutcome> {
    this.commits += 1
    if (this.#fate === 'another creates it') return 'exists'
    throw new HoldfastError('OUTCOME_UNKNOWN', 'the response was lost', { key })
  }
}

const name = agreementName('terms', 3, 'open')

test('returns the proposal of the first caller to every caller', async () => {
  const backend = new MemoryBackend()
  const proposals = Array.from({ length: 8 }, (_, rank) => ({ rank }))
  const agreed = await Promise.all(
    proposals.map((proposal) => agree({ backend, environment }, name, proposal)),
  )
  expect(agreed[0]?.proposal).toEqual({ rank: 0 })
  for (const each of agreed) expect(each).toEqual(agreed[0])
  expect(await readAgreement(backend, name)).toEqual(agreed[0])
})

test('writes different bytes for equal proposals of two callers', async () => {
  const ids = await Promise.all(
    [1, 2].map(async () => (await agree({ backend: new MemoryBackend(), environment }, name, 'same'))?.id),
  )
  expect(new Set(ids).size).toBe(2)
})

test('reads the agreement after the response to its creation was lost', async () => {
  const backend = new FaultyBackend()
  backend.intercept = (method) => (method === 'commit' ? 'lose answer' : 'pass')
  expect((await agree({ backend, environment }, name, 1))?.proposal).toBe(1)
  expect((await agree({ backend, environment }, name, 2))?.proposal).toBe(1)
})

test('does not propose again if the creation failed without a response', async () => {
  const backend = new VanishingBackend('the response is lost')
  expect(await agree({ backend, environment }, name, 1)).toBeUndefined()
  expect(backend.commits).toBe(1)
})

test('returns nothing if the agreement is swept before it is read', async () => {
  const backend = new VanishingBackend('another creates it')
  expect(await agree({ backend, environment }, name, 1)).toBeUndefined()
})

test('rejects a damaged agreement, and one that was moved', async () => {
  const backend = new MemoryBackend()
  await agree({ backend, environment }, name, 1)
  const other = agreementName('terms', 4, 'open')
  const { body } = await backend.read(agreementKey(name))
  await backend.put(agreementKey(other), Buffer.concat(await Array.fromAsync(body)))
  expect(await codeOf(agree({ backend, environment }, other, 2))).toBe('CORRUPT')
  await tamper(backend, agreementKey(name), flipBit)
  expect(await codeOf(agree({ backend, environment }, name, 2))).toBe('CORRUPT')
})

test('lists the names of agreements in key order without foreign objects', async () => {
  const backend = new MemoryBackend()
  for (const part of ['member-1', 'member-0', 'open'])
    await agree({ backend, environment }, agreementName('terms', 3, part), null)
  await backend.put('agreements/terms/3/NOTES.txt', Buffer.from('x'))
  await agree({ backend, environment }, agreementName('terms', 31, 'open'), null)
  const names = await Array.fromAsync(listAgreements(backend, 'terms/3/'))
  expect(names).toEqual(['terms/3/member-0', 'terms/3/member-1', 'terms/3/open'])
})

test('rejects a name that is not one', () => {
  for (const part of ['A', '', 'a b', '../x', 'x'.repeat(201)]) expect(() => agreementName(part)).toThrow()
})
