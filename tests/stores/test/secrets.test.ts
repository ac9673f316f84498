import { inspect } from 'node:util'
import { adapter as azure } from '@holdfast/adapter-azure'
import { adapter as fs } from '@holdfast/adapter-fs'
import { adapter as gcs } from '@holdfast/adapter-gcs'
import { adapter as s3 } from '@holdfast/adapter-s3'
import { openStore } from '@holdfast/core'
import { expect, test } from 'vitest'

const place = 'az://account/container/x'

test.each([
  'gs://bucket/x?endpoint=http://u:PASS@host',
  's3://bucket/x?endpoint=http://u:PASS@host',
  's3://bucket/x?endpoint=u:PASS@host',
  `${place}?endpoint=http://host/?sig=PASS`,
  `${place}?sig=PASS`,
  `${place}?PASSPASS123=`,
  's3://key:PASS@bucket/x',
  's3://key:PASS/WORD@bucket/x',
  's3://key:1234/PASS@bucket/x',
  'gs://key:PASS@bucket/x',
  's3://bucket/x?secretAccessKey=PASS',
  's3://bucket/x?quota=PASS',
  's3://bucket/x?parallel=PASS',
  's3://bucket/x?pathStyle=PASS',
  'gs://bucket/x?chunkSize=PASS',
  'file:///x?token=PASS',
  'file://u:PASS@host/x',
  'https://u:PASS@host/x',
  's3://[?sig=PASS',
])('no error repeats the secrets of %s', async (location) => {
  const opening = openStore(location, { adapters: [azure, fs, gcs, s3], config: false })
  const error: unknown = await opening.catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'CONFIG' })
  expect(inspect(error, { depth: Infinity, showHidden: true })).not.toMatch(/PASS|WORD/)
})
