import { isHoldfastError } from '@holdfast/core'
import { BlobServiceClient } from '@azure/storage-blob'
import { describe, expect, test } from 'vitest'
import { accessOf } from '../src/credentials.ts'
import { adapter, AzureBackend } from '../src/index.ts'

const key = Buffer.alloc(64, 1).toString('base64')
const connectionString = `DefaultEndpointsProtocol=https;AccountName=account;AccountKey=${key};EndpointSuffix=core.windows.net`
const place = 'az://account/container/runs/a'

async function refusal(url: string, options?: Readonly<Record<string, unknown>>): Promise<string> {
  try {
    await adapter.open(new URL(url), options)
  } catch (error) {
    if (isHoldfastError(error, 'CONFIG')) return error.message
    throw error
  }
  throw new Error(`${url} was taken`)
}

test.each([
  [{ accountKey: key }, 'https://account.blob.core.windows.net/container'],
  [{ accountKey: key, endpoint: 'http://azurite:10000/account' }, 'http://azurite:10000/account/container'],
  [{ sasToken: 'sig=secret' }, 'https://account.blob.core.windows.net/container'],
])('includes the endpoint and no signature in the place', async (options, endpoint) => {
  const backend = await adapter.open(new URL(place), options)
  expect(decodeURIComponent(await backend.place())).toBe(`${place}?endpoint=${endpoint}`)
  await backend.close()
})

describe('a URL', () => {
  test.each([
    [place, place],
    ['az://account/container', 'az://account/container'],
    ['az://account/container/', 'az://account/container'],
    ['az://account/container/with%20space/%F0%9F%A6%8A', 'az://account/container/with%20space/%F0%9F%A6%8A'],
    [`${place}?accessTier=Cool&blockSize=16MiB&parallel=2&quota=1TB`, place],
  ])('accepts %s', async (url, printed) => {
    const backend = await adapter.open(new URL(url), { accountKey: key })
    expect(backend.url).toBe(printed)
    await backend.close()
  })

  test.each([
    ['az://account', 'Write az://account/container/path'],
    ['az:///container', 'Write az://account/container/path'],
    ['az://account/Upper/a', 'is not the name of a container'],
    ['az://account/a/b', 'is not the name of a container'],
    ['az://user:secret@account/container', 'credentials are not allowed in a URL'],
    [`${place}#b`, 'write %23'],
    [`${place}/run-50%`, 'write %25'],
    [`${place}?endpoint=localhost:10000`, 'such as http://localhost:10000'],
    [`${place}?accesTier=Cool`, 'has no option accesTier. Known: endpoint,'],
    [`${place}?accessTier=Archive`, 'accessTier must be one of Hot, Cool, Cold'],
    [`${place}?accountKey=${key}`, 'accountKey is not allowed in a URL'],
    [`${place}?sasToken=sig`, 'sasToken is not allowed in a URL'],
    [`${place}?connectionString=x`, 'connectionString is not allowed in a URL'],
    [`${place}?customerKey=x`, 'customerKey is not allowed in a URL'],
    [`${place}?endpoint=ftp://a`, 'endpoint must be an http:// or https:// URL'],
    [
      `${place}?endpoint=${encodeURIComponent('https://a/?sig=secret')}`,
      'must not contain credentials or parameters',
    ],
    [`${place}?blockSize=5GiB`, 'from 1 byte to 4000 MiB'],
    [`${place}?parallel=0`, 'parallel must be a whole number of at least 1'],
  ])('rejects %s, and states the remedy', async (url, sentence) => {
    const message = await refusal(url, { anonymous: true })
    expect(
      sentence.split('|').some((each) => message.includes(each)),
      message,
    ).toBe(true)
    expect(message).not.toContain('secret')
  })
})

describe('credentials', () => {
  const options = { endpoint: 'https://blobs.example.com/' }
  const environment = {
    AZURE_STORAGE_CONNECTION_STRING: connectionString,
    AZURE_STORAGE_KEY: key,
    AZURE_STORAGE_SAS_TOKEN: '?sv=1&sig=secret',
  }
  const without = (...names: readonly string[]): Readonly<Record<string, string>> =>
    Object.fromEntries(Object.entries(environment).filter(([name]) => !names.includes(name)))

  test.each([
    [
      'an account key',
      { accountKey: key },
      'StorageSharedKeyCredential',
      'https://account.blob.core.windows.net',
    ],
    [
      'a signature',
      { sasToken: '?sig=a' },
      'AnonymousCredential',
      'https://account.blob.core.windows.net?sig=a',
    ],
    ['nobody', { anonymous: true }, 'AnonymousCredential', 'https://account.blob.core.windows.net'],
    [
      'a connection string',
      { connectionString },
      'StorageSharedKeyCredential',
      'https://account.blob.core.windows.net',
    ],
  ])('prefers %s to the environment', (_, given, kind, url) => {
    const access = accessOf('account', given, environment)
    expect(access.credential.constructor.name).toBe(kind)
    expect(access.url.replace(/\/$/, '')).toBe(url)
  })

  test('prefers the connection string of the environment, then the key, the signature and a login', () => {
    const kindOf = (variables: Readonly<Record<string, string>>): string =>
      accessOf('account', {}, variables).credential.constructor.name
    expect(accessOf('account', {}, environment).url).toBe('https://account.blob.core.windows.net/')
    expect(kindOf(without('AZURE_STORAGE_CONNECTION_STRING'))).toBe('StorageSharedKeyCredential')
    expect(accessOf('account', options, { AZURE_STORAGE_SAS_TOKEN: '?sv=1' }).url).toContain('?sv=1')
    expect(accessOf('account', {}, { AZURE_STORAGE_KEY: '' }).credential).toHaveProperty('getToken')
  })

  test.each([
    ['two ways at once', { accountKey: key, sasToken: 'a' }, {}, 'Pass one of accountKey and sasToken'],
    [
      'an endpoint beside a connection string',
      options,
      environment,
      'Pass an endpoint or a connection string',
    ],
    [
      'an invalid connection string',
      { connectionString: 'nonsense' },
      {},
      'The connection string is invalid',
    ],
    [
      "another account's connection string",
      {},
      { AZURE_STORAGE_CONNECTION_STRING: connectionString.replace('=account;', '=other;') },
      'belongs to the account other, but the URL names account',
    ],
    ['a login without TLS', { endpoint: 'http://127.0.0.1:1/account' }, {}, 'requires https'],
  ])('rejects %s', (_, given, variables, sentence) => {
    expect(() => accessOf('account', given, variables)).toThrow(sentence)
  })

  test('rejects a ready-made client of another account or container', () => {
    const service = BlobServiceClient.fromConnectionString(connectionString)
    expect(new AzureBackend('account', 'container', 'a', { client: service }).url).toBe(
      'az://account/container/a',
    )
    expect(() => new AzureBackend('other', 'container', 'a', { client: service })).toThrow('names other')
    const client = service.getContainerClient('container')
    expect(new AzureBackend('account', 'container', 'a', { client }).url).toBe('az://account/container/a')
    expect(() => new AzureBackend('account', 'another', 'a', { client })).toThrow('names another')
  })

  test('rejects a customer key that does not have 32 bytes or comes with an encryption scope', () => {
    const customerKey = Buffer.alloc(32).toString('base64')
    const open = (more: object): AzureBackend =>
      new AzureBackend('account', 'container', '', { accountKey: key, ...more })
    expect(() => open({ customerKey: 'short' })).toThrow('32 bytes in base64')
    expect(() => open({ customerKey, encryptionScope: 'scope' })).toThrow('not both')
  })
})

test('refuses credentials beside a ready-made client', () => {
  const client = BlobServiceClient.fromConnectionString(connectionString)
  expect(() => new AzureBackend('account', 'container', 'a', { client, accountKey: key })).toThrow(
    'Pass one of client and accountKey, not both.',
  )
})
