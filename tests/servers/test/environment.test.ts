import { expect, test } from 'vitest'
import { definitions } from '../src/servers/index.ts'

const s3 = { ACCESS_KEY_ID: 'key', SECRET_ACCESS_KEY: 'secret' }

function withPrefix(prefix: string, values: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}_${name}`, value]))
}

test.each([
  ['HOLDFAST_TEST_S3', definitions.minio],
  ['HOLDFAST_TEST_S3_SECOND', definitions.s3proxy],
] as const)('uses the S3 server in variables with the prefix %s', (prefix, { fromEnvironment }) => {
  const endpoint = 'https://s3.example'
  const least = { ENDPOINT: endpoint, ...s3 }
  const connection = { endpoint, region: 'us-east-1', accessKeyId: 'key', secretAccessKey: 'secret' }
  expect(fromEnvironment(withPrefix(prefix, least))).toEqual({ name: endpoint, connection })
  expect(fromEnvironment(withPrefix(prefix, { ...least, REGION: 'eu', BUCKET: 'b' }))?.connection).toEqual({
    ...connection,
    region: 'eu',
    bucket: 'b',
  })
})

test('throws if a required variable of an S3 server is missing', () => {
  const environment = withPrefix('HOLDFAST_TEST_S3', { ENDPOINT: 'https://s3.example', ACCESS_KEY_ID: 'key' })
  expect(() => definitions.minio.fromEnvironment(environment)).toThrow(
    'HOLDFAST_TEST_S3_ENDPOINT is set but HOLDFAST_TEST_S3_SECRET_ACCESS_KEY is not. Set both.',
  )
})

test('uses the GCS server in HOLDFAST_TEST_GCS_ENDPOINT', () => {
  const endpoint = 'http://gcs.example'
  expect(definitions['fake-gcs-server'].fromEnvironment({ HOLDFAST_TEST_GCS_ENDPOINT: endpoint })).toEqual({
    name: endpoint,
    connection: { endpoint },
  })
})

test.each([
  [
    'AccountName=a;AccountKey=c2VjcmV0PT0=;BlobEndpoint=http://127.0.0.1:1/a?x=1;',
    'http://127.0.0.1:1/a?x=1',
  ],
  ['DefaultEndpointsProtocol=https;AccountName=a;AccountKey=c2VjcmV0', 'the account a'],
])('names an Azure account without its key: %s', (connectionString, name) => {
  const environment = { HOLDFAST_TEST_AZURE_CONNECTION_STRING: connectionString }
  expect(definitions.azurite.fromEnvironment(environment)).toEqual({ name, connection: { connectionString } })
})

test('ignores empty variables', () => {
  const environment = {
    HOLDFAST_TEST_S3_ENDPOINT: '',
    HOLDFAST_TEST_S3_SECOND_ENDPOINT: '',
    HOLDFAST_TEST_GCS_ENDPOINT: '',
    HOLDFAST_TEST_AZURE_CONNECTION_STRING: '',
  }
  for (const { fromEnvironment } of Object.values(definitions))
    expect(fromEnvironment(environment)).toBe(undefined)
})
