import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  type BackendAdapter,
  locationBelow,
  MemoryBackend,
  openStore,
  type OpenStoreOptions,
} from '../../src/index.ts'
import { parseConfig } from '../../src/config/schema.ts'
import { type BackendCapabilities, type FreeSpace, openBackend, parseLocation } from '../../src/backend.ts'
import { codeThrown, temporaryFolder } from '../stores.ts'

/** A memory backend with space for five checkpoints of a megabyte and their documents. */
class DiskOfFiveMegabytes extends MemoryBackend {
  override readonly capabilities: BackendCapabilities = {
    ...new MemoryBackend().capabilities,
    freeSpace: 'measured',
  }

  override async freeSpace(): Promise<FreeSpace> {
    const stored = (await Array.fromAsync(this.list(''))).reduce((sum, { size }) => sum + size, 0)
    return { kind: 'measured', available: Math.max(0, 5_100_000 - stored), total: 5_100_000 }
  }
}

describe('a location', () => {
  test.each([
    ['./runs/a', 'file:///base/runs/a'],
    ['runs/a', 'file:///base/runs/a'],
    ['/runs/a b', 'file:///runs/a%20b'],
    ['/runs/a#1?x', 'file:///runs/a%231%3Fx'],
    ['file:///runs/a', 'file:///runs/a'],
    ['s3://bucket/runs/a', 's3://bucket/runs/a'],
    ['az://account/container/runs', 'az://account/container/runs'],
    ['mem:', 'mem:'],
  ])('%s is %s', (location, url) => {
    expect(parseLocation(location, '/base').href).toBe(url)
  })

  test.each([
    [
      's3://bucket/runs/?region=x&endpoint=http://minio:9000',
      's3://bucket/runs/a/b%20c?region=x&endpoint=http://minio:9000',
    ],
    ['s3://bucket', 's3://bucket/a/b%20c'],
    ['/runs?x', 'file:///runs%3Fx/a/b%20c'],
    ['file:///cost%24/', 'file:///cost%24/a/b%20c'],
  ])('a store below %s keeps the parameters, and its name is encoded', (location, url) => {
    expect(locationBelow(location, 'a/b c')).toBe(url)
  })

  test('a store below an expanded folder with a $ in its name refers to no variable', () => {
    vi.stubEnv('HOLDFAST_TEST_FOLDER', '/cost$x')
    expect(locationBelow('$HOLDFAST_TEST_FOLDER', 'a')).toBe('file:///cost%24x/a')
    vi.unstubAllEnvs()
  })

  test.each(['', '..', 'a/../..', 'a//b', '/a', '.'])(
    'a store named %j below a location is refused',
    (name) => {
      expect(codeThrown(() => locationBelow('/runs', name))).toBe('INVALID_ARGUMENT')
    },
  )

  test('a store in memory has no stores below it', () => {
    expect(codeThrown(() => locationBelow('mem:a', 'b'))).toBe('INVALID_ARGUMENT')
  })

  test.each([
    '',
    '  ',
    'a\0b',
    's3://[',
    'http://:99999/',
    'file:./runs',
    'file:runs',
    'mem://a',
    'mem:/a',
    's3//bucket/runs',
    'gs//bucket/runs',
  ])('%j is refused', (location) => {
    expect(codeThrown(() => parseLocation(location))).toBe('CONFIG')
  })

  test.each(['s3//key:SECRET@bucket/runs', 'az//container@account/a?sasToken=SECRET'])(
    'the error about %s has no secret',
    (location) => {
      expect(() => parseLocation(location)).toThrow(/^(?!.*SECRET).*The colon after its scheme is missing/)
    },
  )

  test.each([
    ['~', 'file:///home/me'],
    ['~/runs', 'file:///home/me/runs'],
    ['./~/runs', 'file:///base/%7E/runs'],
    ['runs/~', 'file:///base/runs/%7E'],
    ['$SCRATCH/runs', 'file:///scratch/me/runs'],
    ['/data/${JOB}-$SCRATCH', 'file:///data/7-/scratch/me'],
    ['s3://bucket/${JOB}/a', 's3://bucket/7/a'],
    ['price-in-$', 'file:///base/price-in-$'],
    ['file:///runs/%24JOB', 'file:///runs/%24JOB'],
  ])('expands %s to %s', (location, url) => {
    const context = {
      platform: 'linux',
      home: '/home/me',
      variables: { SCRATCH: '/scratch/me', JOB: '7', EMPTY: '' },
    } as const
    expect(parseLocation(location, '/base', context).href).toBe(url)
  })

  test.each([
    ['C:\\runs\\a b', 'file:///C:/runs/a%20b'],
    ['d:/runs', 'file:///d:/runs'],
    ['runs\\a', 'file:///C:/base/runs/a'],
    ['\\\\server\\share\\runs', 'file://server/share/runs'],
    ['\\\\?\\C:\\runs', 'file:///C:/runs'],
    ['\\\\?\\UNC\\server\\share\\runs', 'file://server/share/runs'],
    ['~\\runs', 'file:///C:/Users/me/runs'],
    ['${SCRATCH}\\runs', 'file:///D:/scratch/runs'],
    ['s3://bucket/runs', 's3://bucket/runs'],
  ])('on Windows, %s is %s', (location, url) => {
    const context = {
      platform: 'win32',
      home: 'C:\\Users\\me',
      variables: { SCRATCH: 'D:\\scratch' },
    } as const
    expect(parseLocation(location, 'C:\\base', context).href).toBe(url)
  })

  test.each([
    ['~other/runs', /home folder of another user/],
    ['$MISSING/runs', /environment variable MISSING is not set/],
    ['/runs/${MISSING}', /environment variable MISSING is not set/],
    ['$EMPTY/runs', /environment variable EMPTY is not set/],
    ['$constructor/runs', /environment variable constructor is not set/],
  ])('rejects %s', (location, message) => {
    const context = { platform: 'linux' as const, home: '/home/me', variables: { EMPTY: '' } }
    expect(() => parseLocation(location, '/base', context)).toThrow(message)
  })

  test.each([
    's3://key:PASS@[',
    's3://key:PASS/WORD@bucket/a',
    's3://key:PA@SS@:bucket',
    'http://:99999/?token=PASS',
    's3://[?sig=PASS',
    's3://[/x?a=1&sig=PASS#PASS',
    'file:x?token=PASS',
    'mem:/u:PASS@x',
  ])('does not repeat the secrets of %s, which is malformed', (location) => {
    let thrown: unknown
    try {
      parseLocation(location)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toMatchObject({ code: 'CONFIG' })
    expect(inspect(thrown, { depth: Infinity, showHidden: true })).not.toMatch(/PASS|WORD/)
  })

  test('any text is a URL or a typed error', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.webUrl(),
          fc.string().map((text) => `s3://${text}`),
        ),
        (text) => {
          expect(['no error', 'CONFIG']).toContain(codeThrown(() => parseLocation(text)))
        },
      ),
    )
  })
})

describe('a configuration', () => {
  test('is accepted if valid', () => {
    const config = {
      store: './a',
      mode: 'shared',
      objectives: { loss: { metric: 'val_loss', direction: 'min' } },
      space: { warnBelow: '10 GB', refuseBelow: '5%' },
      background: { limit: 2, atLimit: 'skip' },
      gracePeriod: 1000,
      backend: { anything: true },
    }
    expect(parseConfig(config, 'file')).toEqual(config)
  })

  test.each([
    [{ stor: './a' }, 'stor'],
    [{ stor: './a' }, 'Known fields: store, mode, '],
    [{ mirror: { stor: './a' } }, 'mirror.stor is not a known field. Known fields: store, retention, '],
    [{ retention: { keepLst: 1 } }, 'retention.keepLst is not a known field. Known fields: keep'],
    [{ mirror: {} }, 'mirror.store: '],
    [{ mode: 'exclusiv' }, 'mode'],
    [{ objectives: { loss: { metric: 'a', direction: 'down' } } }, 'objectives.loss.direction'],
    [{ objectives: { loss: { metric: 'a', direction: 'min', smooth: 3 } } }, 'smooth'],
    [{ space: { warn: 1 } }, 'warn'],
    [{ background: { limit: 0 } }, 'background.limit'],
    [{ retention: { maxBytes: '10 Gigs' } }, `retention.maxBytes: "10 Gigs" is not a size. Write`],
    [{ retention: { keepWithin: '2 m' } }, `retention.keepWithin: "2 m" is not a duration. Write`],
    [{ gracePeriod: '2 m' }, `gracePeriod: "2 m" is not a duration. Write`],
    [{ mirror: { store: 'a', flushLimit: '1' } }, `mirror.flushLimit: "1" is not a duration. Write`],
    [{ space: { warnBelow: 'ten' } }, "space.warnBelow: Write a size such as '10 GB', or a percentage"],
    [[], 'configuration'],
    [null, 'configuration'],
    ['text', 'configuration'],
  ])('%j is refused with the reason', (value, named) => {
    expect(() => parseConfig(value, 'holdfast.config.json')).toThrow(named)
    expect(codeThrown(() => parseConfig(value, 'file'))).toBe('CONFIG')
  })

  test('any JSON is a configuration or a typed error', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(['no error', 'CONFIG']).toContain(codeThrown(() => parseConfig(value, 'file')))
      }),
    )
  })
})

describe('openStore', () => {
  const before = process.env['HOLDFAST_STORE']
  beforeEach(() => {
    delete process.env['HOLDFAST_STORE']
  })
  afterEach(() => {
    if (before !== undefined) process.env['HOLDFAST_STORE'] = before
  })

  test('rejects without a location, and lists the ways to provide one', async () => {
    await expect(openStore()).rejects.toMatchObject({
      message: expect.stringMatching(/HOLDFAST_STORE.*holdfast\.config\.json/) as string,
      hint: { kind: 'name-store' },
    })
  })

  test('reads the location from the environment', async () => {
    process.env['HOLDFAST_STORE'] = 'mem:from-environment'
    expect((await openStore()).url).toBe('mem:from-environment')
  })

  test('opens the same named memory store throughout the process', async () => {
    const one = await openStore('mem:shared-name')
    await one.save({ step: 1, files: { a: Buffer.from('a') } })
    expect((await (await openStore('mem:shared-name')).latest())?.step).toBe(1)
    expect(await (await openStore('mem:')).latest()).toBeUndefined()
  })

  test('distinguishes an adapter that is not installed from an unknown scheme', async () => {
    await expect(openStore('gs://bucket/x')).rejects.toThrow(
      'gs:// requires @holdfast/adapter-gcs. Run: npm install @holdfast/adapter-gcs',
    )
    await expect(openStore('ftp://host/x')).rejects.toThrow('No adapter is known for ftp:')
  })

  test('prefers the adapters in the options', async () => {
    const memory = await openBackend(new URL('mem:'))
    const adapter = { schemes: ['ftp'], open: async () => memory }
    expect((await openStore('ftp://host/x', { adapters: [adapter] })).backend).toBe(memory)
  })

  test('passes the options of each adapter to it, and none of the store to the mirror', async () => {
    const folder = await temporaryFolder()
    const opened: [string, object | undefined][] = []
    const adapter: BackendAdapter = {
      schemes: ['ftp'],
      open: async (url, options) => {
        opened.push([url.href, options])
        return openBackend(new URL('mem:'))
      },
    }
    const file = join(folder, 'holdfast.config.json')
    const config = { store: 'ftp://a/x', backend: { endpoint: 'a' } }
    const open = async (mirror: object, code: OpenStoreOptions = {}): Promise<unknown> => {
      await writeFile(file, JSON.stringify({ ...config, mirror: { store: 'ftp://b/x', ...mirror } }))
      opened.length = 0
      await (await openStore(undefined, { config: file, adapters: [adapter], ...code })).close()
      return opened
    }
    expect(await open({})).toEqual([
      ['ftp://a/x', { endpoint: 'a' }],
      ['ftp://b/x', {}],
    ])
    expect(await open({ backend: { endpoint: 'b' } })).toEqual([
      ['ftp://a/x', { endpoint: 'a' }],
      ['ftp://b/x', { endpoint: 'b' }],
    ])
    const inCode = { backend: { endpoint: 'c' }, mirror: { store: 'ftp://d/x', backend: { endpoint: 'd' } } }
    expect(await open({}, inCode)).toEqual([
      ['ftp://a/x', { endpoint: 'c' }],
      ['ftp://d/x', { endpoint: 'd' }],
    ])
    await expect(open({}, { mirror: { store: 'ftp://d/x', backend: [] as never } })).rejects.toThrow(
      'mirror.backend must be a plain object.',
    )
  })

  test('adds the members of space to those of the file', async () => {
    const folder = await temporaryFolder()
    const config = join(folder, 'holdfast.config.json')
    await writeFile(config, JSON.stringify({ space: { refuseBelow: '2 MB' } }))
    const adapter: BackendAdapter = { schemes: ['ftp'], open: async () => new DiskOfFiveMegabytes() }
    const space = { makeRoom: true }
    await using store = await openStore('ftp://host/x', { config, adapters: [adapter], space })
    const files = { a: Buffer.alloc(1_000_000) }
    for (const step of [1, 2, 3]) expect((await store.save({ step, files })).dropped).toEqual([])
    expect((await store.save({ step: 4, files })).dropped).toEqual([
      { step: 1, because: 'to make room for step 4' },
    ])
  })

  test('adds the members of background to those of the file', async () => {
    const folder = await temporaryFolder()
    const config = join(folder, 'holdfast.config.json')
    await writeFile(config, JSON.stringify({ background: { atLimit: 'skip' } }))
    const background = { rateWhileBusy: 'unlimited' } as const
    await using store = await openStore('mem:', { config, background })
    const saves = [1, 2].map((step) => store.saveInBackground({ step, files: { a: Buffer.from('a') } }))
    const results = await Promise.all(saves.map(async (save) => (await save).done))
    expect(results.map((result) => result?.step)).toEqual([1, undefined])
  })

  test('refuses unknown options', async () => {
    await expect(openStore('mem:', { retension: 5 } as never)).rejects.toThrow('retension')
    await expect(openStore('mem:', { mode: 'both' as never })).rejects.toThrow('mode')
    await expect(openStore('mem:', { gracePeriod: -1 })).rejects.toThrow('gracePeriod')
    await expect(openStore('mem:', { background: { limit: 0 } })).rejects.toThrow('limit')
  })
})
