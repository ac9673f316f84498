import { adapter as azure } from '@holdfast/adapter-azure'
import { adapter as disk } from '@holdfast/adapter-fs'
import { adapter as gcs } from '@holdfast/adapter-gcs'
import { adapter as s3 } from '@holdfast/adapter-s3'
import { defineConfig, isHoldfastError, listRuns, openStore } from '@holdfast/core'
import { expect, test } from 'vitest'

/** The compiler checks these tests: the build fails if a line after `@ts-expect-error` compiles. */

const [config, adapters] = [false, [azure, disk, gcs, s3]] as const

async function codeOf(opening: Promise<AsyncDisposable>): Promise<string | undefined> {
  try {
    await using _ = await opening
    return undefined
  } catch (error) {
    return isHoldfastError(error) ? error.code : String(error)
  }
}

test('accepts the options of the adapter that the scheme of the location names', async () => {
  const onS3 = openStore('s3://bucket/a', {
    config,
    adapters,
    backend: { region: 'eu-west-1', partSize: '16 MiB' },
  })
  expect(await codeOf(onS3)).toBeUndefined()
  const onGcs = openStore('gs://bucket/a', {
    config,
    adapters,
    backend: { anonymous: true, chunkSize: '8MiB' },
  })
  expect(await codeOf(onGcs)).toBeUndefined()
  const onAzure = openStore('az://account/container/a', { config, adapters, backend: { anonymous: true } })
  expect(await codeOf(onAzure)).toBeUndefined()
})

test('does not compile an option of another scheme, or a misspelt one', async () => {
  // @ts-expect-error Google Cloud Storage has no region
  const other = openStore('gs://bucket/a', { config, adapters, backend: { region: 'eu-west-1' } })
  expect(await codeOf(other)).toBe('CONFIG')
  // @ts-expect-error the option is `region`
  const misspelt = openStore('s3://bucket/a', { config, adapters, backend: { regoin: 'eu-west-1' } })
  expect(await codeOf(misspelt)).toBe('CONFIG')
  // @ts-expect-error there is no such storage class
  const unknown = openStore('s3://bucket/a', { config, adapters, backend: { storageClass: 'COLD' } })
  expect(await codeOf(unknown)).toBe('CONFIG')
  // @ts-expect-error a disk has no options
  const onDisk = openStore('file:///runs/a', { config, adapters, backend: { region: 'eu-west-1' } })
  expect(await codeOf(onDisk)).toBe('INVALID_ARGUMENT')
  // @ts-expect-error the option is `region`
  expect(defineConfig({ store: 's3://bucket/a', backend: { regoin: 'eu-west-1' } })).toBeDefined()
})

test('accepts any options for a location that the compiler does not know', async () => {
  const place: string = ['s3:', '', 'bucket', 'a'].join('/')
  expect(await codeOf(openStore(place, { config, adapters, backend: { regoin: 'eu-west-1' } }))).toBe(
    'CONFIG',
  )
})

test('checks the options of the adapter of a mirror by its own location', async () => {
  const mirrored = openStore('mem:', {
    config,
    adapters,
    mirror: { store: 's3://bucket/a', backend: { region: 'eu-west-1', retry: { maxDelay: '30 s' } } },
  })
  expect(await codeOf(mirrored)).toBeUndefined()
  // @ts-expect-error Google Cloud Storage has no region
  const other = defineConfig({ mirror: { store: 'gs://bucket/a', backend: { region: 'eu-west-1' } } })
  expect(other).toBeDefined()
  // @ts-expect-error the option is `region`
  const listed = listRuns('s3://bucket/runs', { config, adapters, backend: { regoin: 'eu-west-1' } })
  await expect(listed).rejects.toMatchObject({ code: 'CONFIG' })
})
