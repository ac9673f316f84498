import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { copySite, markerName } from '../src/copy-site.ts'
import { assertReplaceable, deploymentTo, type Listing } from '../src/deployment.ts'
import { documentedPackages } from '../src/entry-points.ts'

test.each([
  [
    's3://bucket/docs',
    { copy: { file: 'aws', args: ['s3', 'sync', 'dist', 's3://bucket/docs', '--delete'] } },
  ],
  ['me@host:/srv/www', { copy: { file: 'rsync', args: ['-a', '--delete', 'dist/', 'me@host:/srv/www'] } }],
  ['/srv/www', { folder: '/srv/www' }],
  ['C:\\www', { folder: 'C:\\www' }],
])('deploys to %s', (target, deployment) => {
  expect(deploymentTo(target, 'dist')).toMatchObject(deployment)
})

test('deploys to a bucket of Google Cloud Storage, and to Cloudflare Pages', () => {
  expect(deploymentTo('gs://bucket', 'dist')).toMatchObject({ copy: { file: 'gcloud' } })
  expect(deploymentTo('cloudflare:holdfast', 'dist')).toMatchObject({ copy: { file: 'npx' } })
})

test('the reference has every entry point of every package', () => {
  const packages = documentedPackages(fileURLToPath(new URL('../..', import.meta.url)))
  const sources = packages.flatMap((each) =>
    each.sources.map((source) => source.replace(/^.*packages\//, '')),
  )
  expect(sources).toContain('core/src/data.ts')
  expect(sources).toContain('emulators/src/proxy/index.ts')
  expect(sources).toContain('conformance/src/testing.ts')
  expect(packages.map(({ name }) => name)).toContain('@holdfast/opentelemetry')
})

test('a copy replaces an earlier site, and refuses a folder with other files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-deploy-'))
  const siteWith = (name: string): string => {
    const site = join(folder, name)
    mkdirSync(site)
    for (const file of [markerName, `${name}.html`]) writeFileSync(join(site, file), '')
    return site
  }
  const target = join(folder, 'target')
  copySite(siteWith('first'), target)
  copySite(siteWith('second'), target)
  expect(readdirSync(target).toSorted()).toEqual([markerName, 'second.html'])
  expect(() => {
    copySite(target, folder)
  }).toThrow('contains no site of Holdfast')
})

test('a copy refuses the folder of the built site', () => {
  const site = mkdtempSync(join(tmpdir(), 'holdfast-deploy-'))
  writeFileSync(join(site, markerName), '')
  expect(() => {
    copySite(site, site)
  }).toThrow('is the built site')
  expect(readdirSync(site)).toEqual([markerName])
})

const listings = {
  's3://bucket/docs': {
    entry: (name: string) => `2026-11-30 00:00:00        110 ${name}\n                           PRE api/\n`,
    absent: { status: 1, stdout: '', stderr: '' },
    failed: { status: 255, stdout: '', stderr: 'Unable to locate credentials' },
  },
  'gs://bucket/docs': {
    entry: (name: string) => `gs://bucket/docs/${name}\ngs://bucket/docs/api/\n`,
    absent: {
      status: 1,
      stdout: '',
      stderr: 'ERROR: (gcloud.storage.ls) One or more URLs matched no objects.',
    },
    failed: { status: 1, stdout: '', stderr: 'ERROR: (gcloud.storage.ls) HTTPError 403' },
  },
  'host:/srv/www': {
    entry: (name: string) =>
      `drwxr-xr-x          4,096 2026/11/30 00:00:00 .\n-rw-r--r--            110 2026/11/30 00:00:00 ${name}\n`,
    absent: {
      status: 23,
      stdout: '',
      stderr: 'rsync: [sender] change_dir "/srv/www" failed: No such file or directory (2)',
    },
    failed: { status: 255, stdout: '', stderr: 'ssh: Could not resolve hostname host' },
  },
}

test.each(Object.entries(listings))(
  'replaces only an empty %s, or an earlier site in it',
  (target, { entry, absent, failed }) => {
    const deployment = deploymentTo(target, 'dist')
    if (!('list' in deployment)) throw new Error('The target is not listed.')
    const { absent: pattern } = deployment.list
    const check = (listing: Listing) => (): void => {
      assertReplaceable(target, listing, pattern)
    }
    const listed = (stdout: string): Listing => ({ status: 0, stdout, stderr: '' })
    expect(check(listed(entry(markerName)))).not.toThrow()
    expect(check(listed(''))).not.toThrow()
    expect(check(absent)).not.toThrow()
    expect(check(listed(entry('checkpoint.pth')))).toThrow('contains no site of Holdfast')
    expect(check(failed)).toThrow('cannot be listed')
  },
)
