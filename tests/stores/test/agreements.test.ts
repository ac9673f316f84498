import { systemEnvironment as environment } from '@holdfast/core'
import { type Fault, seededPlan, startProxy } from '@holdfast/emulators/proxy'
import { describe, expect, test } from 'vitest'
import { agreementName } from '../../../packages/core/src/catalog/documents/layout.ts'
import { agree, listAgreements, readAgreement } from '../../../packages/core/src/store/agreements/agree.ts'
import { openBackendAt } from './support/open-at.ts'
import { kindsOfStore } from './support/kinds-of-store.ts'

const kinds = await kindsOfStore()
const name = agreementName('terms', 1, 'open')

describe.each(kinds)('agreements on $name', (kind) => {
  test('gives one proposal to all of eight processes that propose at once', async () => {
    const place = kind.place()
    const backends = await Promise.all(Array.from({ length: 8 }, () => openBackendAt(kind, place)))
    const agreed = await Promise.all(
      backends.map((backend, rank) => agree({ backend, environment }, name, { rank })),
    )
    for (const each of agreed) expect(each).toEqual(agreed[0])
    const [backend] = backends
    if (backend === undefined) throw new Error('no backend')
    expect(await readAgreement(backend, name)).toEqual(agreed[0])
    expect(await Array.fromAsync(listAgreements(backend, 'terms/'))).toEqual([name])
    await Promise.all(backends.map((each) => each.close()))
  })
})

const onNetwork = kinds.filter(({ endpoint }) => endpoint !== undefined)
const faults: readonly Fault[] = [{ kind: 'drop-answer' }, { kind: 'reset' }, { kind: 'status', status: 503 }]

describe.each(onNetwork)('agreements behind a faulty network to $name', (kind) => {
  test('gives one proposal to all processes although responses are lost', async () => {
    const seed = Number(process.env['HOLDFAST_SEED'] ?? Date.now() % 1e9)
    await using proxy = await startProxy({
      target: kind.endpoint ?? '',
      plan: seededPlan({ seed, rate: 0.3, faults }),
    })
    const place = kind.through(kind.place(), proxy.url)
    const backends = await Promise.all([0, 1, 2].map(() => openBackendAt(kind, place)))
    for (let round = 0; round < 8; round += 1) {
      const agreed = await Promise.all(
        backends.map((backend, rank) =>
          agree({ backend, environment }, agreementName('terms', 1, `resume-${round}`), { rank }),
        ),
      )
      const known = new Set(agreed.flatMap((each) => (each === undefined ? [] : [JSON.stringify(each)])))
      // The order in which the requests of the three arrive decides which of them have a fault.
      expect(known.size, `HOLDFAST_SEED=${seed} and the order of the requests`).toBe(1)
    }
    await Promise.all(backends.map((each) => each.close()))
  })
})
