import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { copySite } from '../src/copy-site.ts'
import { deploymentTo } from '../src/deployment.ts'
import { documentedPackages } from '../src/entry-points.ts'

test.each([
  ['s3://bucket/docs', { file: 'aws', args: ['s3', 'sync', 'dist', 's3://bucket/docs', '--delete'] }],
  ['me@host:/srv/www', { file: 'rsync', args: ['-a', '--delete', 'dist/', 'me@host:/srv/www'] }],
  ['/srv/www', { folder: '/srv/www' }],
  ['C:\\www', { folder: 'C:\\www' }],
])('deploys to %s', (target, deployment) => {
  expect(deploymentTo(target, 'dist')).toEqual(deployment)
})

test('deploys to a bucket of Google Cloud Storage, and to Cloudflare Pages', () => {
  expect(deploymentTo('gs://bucket', 'dist')).toMatchObject({ file: 'gcloud' })
  expect(deploymentTo('cloudflare:holdfast', 'dist')).toMatchObject({ file: 'npx' })
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
    for (const file of ['llms.txt', `${name}.html`]) writeFileSync(join(site, file), '')
    return site
  }
  const target = join(folder, 'target')
  copySite(siteWith('first'), target)
  copySite(siteWith('second'), target)
  expect(readdirSync(target).toSorted()).toEqual(['llms.txt', 'second.html'])
  expect(() => {
    copySite(target, folder)
  }).toThrow('contains no site of Holdfast')
})
