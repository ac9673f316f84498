import { createRequire } from 'node:module'
import type { BackendAdapter } from '@holdfast/core/backend'
import { expect, test } from 'vitest'

const require = createRequire(import.meta.url)

test.each([
  ['@holdfast/adapter-fs', 'file'],
  ['@holdfast/adapter-s3', 's3'],
  ['@holdfast/adapter-gcs', 'gs'],
  ['@holdfast/adapter-azure', 'az'],
])('CommonJS requires %s', (name, scheme) => {
  const { adapter } = require(name) as { readonly adapter: BackendAdapter }
  expect(adapter.schemes).toEqual([scheme])
})
