import { expect, test } from 'vitest'
import type { EmulatorUse, Servers } from '../../servers/src/index.ts'
import { summarise, summariseSkipped } from '../src/summary.ts'

const connection = { endpoint: 'http://127.0.0.1:1', region: '', accessKeyId: '', secretAccessKey: '' }
const none: Servers = {
  minio: undefined,
  s3proxy: undefined,
  'fake-gcs-server': undefined,
  azurite: undefined,
}
const installed: Servers = {
  ...none,
  minio: { kind: 'minio', name: 'MinIO', version: '2026-02-12', how: 'installed', connection },
  s3proxy: { kind: 's3proxy', name: 'http://far:9000', how: 'environment', connection },
}
const missing: Servers = {
  ...none,
  minio: { kind: 'minio', name: 'MinIO', how: 'unavailable', reason: 'go failed:\na log' },
}

test.each<[Servers, EmulatorUse, readonly string[]]>([
  [installed, 'never', ['s3 on MinIO 2026-02-12 (installed), http://far:9000 (environment)']],
  [installed, 'fallback', ['s3 on MinIO 2026-02-12 (installed), http://far:9000 (environment)']],
  [installed, 'always', ['s3 on MinIO 2026-02-12 (installed), http://far:9000 (environment), emulator']],
  [missing, 'never', ['s3 on no server', '  without MinIO: go failed:']],
  [missing, 'fallback', ['s3 on emulator', '  without MinIO: go failed:']],
])(
  'the summary lists the servers that a project used, and those that were unavailable (%#)',
  (servers, emulator, lines) => {
    expect(summarise('s3', servers, emulator)).toEqual(lines)
  },
)

test('the summary lists each skipped test with its reason', () => {
  const skipped = [{ test: 'adapter-fs, clones on xfs', reason: 'mkfs.xfs is missing\na log' }]
  expect(summariseSkipped(skipped)).toEqual(['adapter-fs, clones on xfs: mkfs.xfs is missing'])
})

test('the summary counts many skipped tests with one reason in one line', () => {
  const skipped = ['a', 'b', 'c', 'd'].map((test) => ({ test, reason: 'no holds' }))
  expect(summariseSkipped([...skipped, { test: 'e', reason: 'no disk' }])).toEqual([
    'a, and 3 more tests: no holds',
    'e: no disk',
  ])
})
