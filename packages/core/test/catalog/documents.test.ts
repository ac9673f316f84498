import fc from 'fast-check'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { sha256Hex } from '../../src/integrity/index.ts'
import { seal, unseal } from '../../src/catalog/documents/sealed.ts'
import { agreementNameSchema, rewindIdSchema } from '../../src/catalog/documents/layout.ts'
import {
  agreementOfKey,
  attemptOfKey,
  catalogKey,
  catalogVersionOf,
  decodeAgreement,
  decodeCatalog,
  decodeManifest,
  decodeMarker,
  decodeRewind,
  emptyCatalog,
  encodeCatalog,
  encodeManifest,
  encodeMarker,
  metricsOf,
  newAttemptId,
  newManifest,
  newMarker,
  objectKey,
  partsOfAttempt,
  rewindOfKey,
  storedMetrics,
  termOfKey,
  termPrefix,
} from '../../src/catalog/documents/index.ts'
import { codeThrown } from '../stores.ts'
import { asCommitted } from './as-committed.ts'

const attempt = newAttemptId(42, 7, '0123456789abcdef')

const manifest = newManifest({
  attempt,
  step: 42,
  epoch: 3,
  savedAt: '2026-01-01T00:00:00.000Z',
  order: { segment: 0, base: 7 },
  files: [{ name: 'sub/model.pth', object: 'sub/model.pth', size: 5, sha256: 'a'.repeat(64) }],
  metrics: { loss: 0.5, odd: 'NaN' },
  tags: ['t'],
  metadata: { deep: [1, { x: null }] },
})

const rewindId = `12-${'f'.repeat(16)}`
const rewind = {
  format: 'holdfast-rewind/1.0',
  requires: [],
  rewind: rewindId,
  attempt,
  from: { segment: 0, base: 7 },
  to: { segment: 1, base: 12 },
  at: '2026-01-01T00:00:00.000Z',
}
const agreement = {
  format: 'holdfast-agreement/1.0',
  requires: [],
  name: 'terms/3/open',
  id: '4f7f3a52-3b1c-4c1e-9b1a-0123456789ab',
  proposal: { ranks: 8 },
}

const documents: readonly (readonly [string, Uint8Array, (bytes: Uint8Array) => unknown])[] = [
  [
    'marker',
    encodeMarker(newMarker('4f7f3a52-3b1c-4c1e-9b1a-0123456789ab', '2026-01-01T00:00:00.000Z', 'file:///a')),
    decodeMarker,
  ],
  ['manifest', encodeManifest(manifest), (bytes) => decodeManifest(bytes, attempt)],
  ['catalog', encodeCatalog(asCommitted(emptyCatalog, 9)), (bytes) => decodeCatalog(bytes, 9)],
  [
    'agreement',
    seal('agreement', agreement),
    (bytes) => decodeAgreement(bytes, v.parse(agreementNameSchema, agreement.name)),
  ],
]

describe.each(documents)('a %s', (_, bytes, decode) => {
  test('is decoded as it was encoded', () => {
    expect(decode(bytes)).toEqual(decode(Uint8Array.from(bytes)))
  })

  test('is CORRUPT if any one bit is flipped', () => {
    for (let bit = 0; bit < bytes.byteLength * 8; bit += 1) {
      const flipped = Uint8Array.from(bytes)
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(
        codeThrown(() => decode(flipped)),
        `bit ${bit}`,
      ).toBe('CORRUPT')
    }
  })

  test('is CORRUPT if it is cut short or lengthened', () => {
    for (let length = 0; length < bytes.byteLength; length += 1) {
      expect(codeThrown(() => decode(bytes.subarray(0, length)))).toBe('CORRUPT')
    }
    expect(codeThrown(() => decode(Buffer.concat([bytes, Buffer.from('\n')])))).toBe('CORRUPT')
  })

  test('is UNSUPPORTED if its major version or a required feature is newer, and read if only its minor is', () => {
    const text = Buffer.from(bytes).toString()
    const body = JSON.parse(text) as Record<string, { format: string }>
    const [kind = ''] = Object.keys(body).filter((name) => name !== 'sha256')
    const content = body[kind] ?? { format: '' }
    const as = (format: string): Uint8Array => seal(kind as 'marker', { ...content, format, addedLater: 1 })
    expect(codeThrown(() => decode(as(`holdfast-${kind}/2.0`)))).toBe('UNSUPPORTED')
    expect(codeThrown(() => decode(as(`holdfast-${kind}/1.7`)))).toBe('no error')
    expect(codeThrown(() => decode(as('something-else/1.0')))).toBe('CORRUPT')
    const requiring = (requires: unknown): Uint8Array => seal(kind as 'marker', { ...content, requires })
    expect(codeThrown(() => decode(requiring(['unheard-of'])))).toBe('UNSUPPORTED')
    expect(codeThrown(() => decode(requiring(undefined)))).toBe('CORRUPT')
  })
})

test('refuses a rewind that does not require its feature, or gives no later order key', () => {
  const id = v.parse(rewindIdSchema, rewindId)
  const decode = (edits: object): string => {
    const requires = ['rewinds']
    return codeThrown(() => decodeRewind(seal('rewind', { ...rewind, requires, ...edits }), id))
  }
  expect(decode({})).toBe('no error')
  expect(decode({ to: rewind.from })).toBe('CORRUPT')
  expect(decode({ requires: [] })).toBe('CORRUPT')
  expect(decode({ requires: 'rewinds' })).toBe('CORRUPT')
})

test('refuses an agreement in the place of another', () => {
  const other = v.parse(agreementNameSchema, 'terms/4/open')
  expect(codeThrown(() => decodeAgreement(seal('agreement', agreement), other))).toBe('CORRUPT')
})

test('finds rewinds and agreements by their keys, and the term of an agreement', () => {
  expect(rewindOfKey(`rewinds/${rewindId}.json`)).toBe(rewindId)
  expect(agreementOfKey('agreements/terms/3/open.json')).toBe('terms/3/open')
  expect(termPrefix(3)).toBe('terms/0000000003/')
  expect(termOfKey('agreements/terms/0000000003/open.json')).toBe(3)
  for (const key of [
    'agreements/starts/3/1.json',
    'agreements/terms/3/open.json',
    'agreements/terms/0000000000/open.json',
    'terms/0000000003/open.json',
  ])
    expect(termOfKey(key), key).toBeUndefined()
  for (const key of ['rewinds/12.json', 'rewinds/x', 'agreements/A.json', 'agreements//a.json'])
    expect(rewindOfKey(key) ?? agreementOfKey(key), key).toBeUndefined()
})

test('accepts an object in the reserved folder of an attempt, and rejects one outside of it', () => {
  const [file] = manifest.files
  for (const [object, code] of [
    ['.holdfast/rank-0/model.pth', 'no error'],
    ['another name', 'no error'],
    ['.holdfast', 'CORRUPT'],
    ['.holdfast/../x', 'CORRUPT'],
    ['.holdfast/.holdfast-tmp', 'CORRUPT'],
    ['', 'CORRUPT'],
  ] as const) {
    const files = file === undefined ? [] : [{ ...file, object }]
    expect([
      object,
      codeThrown(() => decodeManifest(encodeManifest({ ...manifest, files }), attempt)),
    ]).toEqual([object, code])
  }
})

test('returns any JSON from a sealed document as it was', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      const sealed = seal('catalog', value)
      expect(unseal('catalog', sealed, 'here')).toEqual(value)
      expect(JSON.parse(Buffer.from(sealed).toString())).toHaveProperty('catalog')
    }),
  )
})

test('rejects any bytes with a typed error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.jsonValue(), (bytes, value) => {
      for (const [kind, , decode] of documents) {
        expect(['CORRUPT', 'UNSUPPORTED']).toContain(codeThrown(() => decode(bytes)))
        expect(['CORRUPT', 'UNSUPPORTED']).toContain(codeThrown(() => decode(seal(kind as 'marker', value))))
      }
    }),
  )
})

test('refuses a document that is nested too deeply before it is parsed', () => {
  const deep = JSON.parse(`${'['.repeat(100)}${']'.repeat(100)}`) as unknown
  expect(codeThrown(() => unseal('catalog', seal('catalog', deep), 'here'))).toBe('CORRUPT')
})

test('refuses hostile file names in a manifest', () => {
  const names = ['../x', '/etc/passwd', 'a/../../b', '', 'a\0b', 'manifest.json', 'a//b', 'C:\\x']
  for (const name of [...names, 'Manifest.json', 'manifest.json/x', '.holdfast/x', 'a/.holdfast-tmp-0']) {
    const hostile = newManifest({
      ...manifest,
      files: [{ name, object: 'a', size: 1, sha256: 'a'.repeat(64) }],
    })
    expect(
      codeThrown(() => decodeManifest(encodeManifest(hostile), attempt)),
      name,
    ).toBe('CORRUPT')
  }
})

test('refuses a manifest or a catalog in the place of another', () => {
  const other = newAttemptId(43, 7, '0123456789abcdef')
  expect(codeThrown(() => decodeManifest(encodeManifest(manifest), other))).toBe('CORRUPT')
  expect(codeThrown(() => decodeCatalog(encodeCatalog(asCommitted(emptyCatalog, 9)), 8))).toBe('CORRUPT')
})

test('preserves metrics that JSON cannot represent', () => {
  const metrics = { a: 1.5, b: Number.NaN, c: Infinity, d: -Infinity, e: 1e308, f: 5e-324 }
  expect(metricsOf(JSON.parse(JSON.stringify(storedMetrics(metrics))) as Record<string, number>)).toEqual(
    metrics,
  )
})

test('sorts the keys of catalog versions as the versions, and finds the version of a key', () => {
  const anyVersion = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })
  fc.assert(
    fc.property(anyVersion, anyVersion, (one, other) => {
      expect(catalogVersionOf(catalogKey(one))).toBe(one)
      expect(catalogKey(one) < catalogKey(other)).toBe(one < other)
    }),
  )
  expect(catalogVersionOf('catalog/1.json')).toBeUndefined()
})

test('finds the attempt of a key, and the step and base of an attempt', () => {
  const count = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
  fc.assert(
    fc.property(count, count, (step, base) => {
      const id = newAttemptId(step, base, 'f'.repeat(16))
      expect(partsOfAttempt(id)).toEqual({ step, base })
      expect(attemptOfKey(objectKey(id, 'a/b'))).toBe(id)
    }),
  )
  for (const key of ['data/', 'data/x', 'data/1-2-3/x', 'other/42-7-0123456789abcdef/x', `data/${attempt}`]) {
    expect(attemptOfKey(key)).toBeUndefined()
  }
})

test('refuses a byte order mark before a body, even if the digest is right', () => {
  const body = Buffer.from('\ufeff{"format":"holdfast-catalog/1.0"}')
  const sealed = Buffer.concat([
    Buffer.from(`{"sha256":"${sha256Hex(body)}","catalog":`),
    body,
    Buffer.from('}\n'),
  ])
  expect(codeThrown(() => unseal('catalog', sealed, 'here'))).toBe('CORRUPT')
})
