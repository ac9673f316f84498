import { describe, expect, test } from 'vitest'
import { openPlace } from '../src/place.ts'
import { OtherProcess } from '../src/processes/other-process.ts'
import { runCase } from '../src/run-case.ts'
import { conformanceCases, type Subject } from '../src/index.ts'
import { HoardingBackend } from './hoarding-adapter.ts'

const place = { url: 'hoarding:', adapter: new URL('hoarding-adapter.ts', import.meta.url).href }

const hoarding: Subject = {
  open: async () => new HoardingBackend(place.url),
  reopen: async (backend) => backend,
  partBytes: 2 ** 20,
  place: () => place,
}

async function runCaseNamed(name: string): Promise<void> {
  const found = conformanceCases.find((each) => each.name.startsWith(name))
  if (found === undefined) throw new Error(`No case begins with ${name}.`)
  await runCase(found, hoarding)
}

describe('the suite', () => {
  test('rejects a backend that returns "created" to several processes', async () => {
    await expect(runCaseNamed('exactly one of 16 processes')).rejects.toThrow(
      'in round 0, 16 processes got "created"',
    )
  })

  test('rejects a backend that exceeds its maxBufferedBytes', async () => {
    await expect(runCaseNamed('memory stays')).rejects.toThrow(
      /269 MB raised memory by .* the limit is 1.0 MB/,
    )
  })
})

test('reports an error of another process, and ends that process', async () => {
  await expect(OtherProcess.open({ url: 'nothing:' })).rejects.toThrow('No adapter is known for nothing:')
  await using other = await OtherProcess.open(place)
  await expect(other.perform('open', { url: 'file:///x', adapter: 'file:///nothing.js' })).rejects.toThrow(
    'nothing.js cannot be loaded',
  )
})

test('rejects a module that exports no adapter', async () => {
  const call = openPlace({ ...place, adapter: new URL('requests.ts', import.meta.url).href })
  await expect(call).rejects.toMatchObject({ code: 'CONFIG' })
})
