import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { holdfast, type Outcome } from './holdfast.ts'

/** A store in memory that prints which of its puts are limited. */
const adapter = `
import { MemoryBackend } from ${JSON.stringify(import.meta.resolve('@holdfast/core'))}

class NotingBackend extends MemoryBackend {
  async put(key, source, options) {
    if (options?.pace !== undefined) console.error('limited ' + key.split('/').at(-1))
    return super.put(key, source, options)
  }
}

export const adapter = { schemes: ['noting'], open: async (url) => new NotingBackend(url.href) }
`

async function save(config: object, ...words: readonly string[]): Promise<Outcome> {
  return inFolderOf(config, 'save', 'model.bin', '--step', '1', ...words)
}

async function inFolderOf(config: object, ...words: readonly string[]): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-limits-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'adapter.mjs'), adapter)
  const all = { store: 'noting:a', adapters: ['./adapter.mjs'], ...config }
  await writeFile(join(folder, 'holdfast.config.json'), JSON.stringify(all))
  await writeFile(join(folder, 'model.bin'), 'weights')
  return holdfast(folder, ...words)
}

describe('--limit-upload', () => {
  test('limits the files of a save, and not the documents', async () => {
    expect(await save({}, '--limit-upload', '50MB/s')).toMatchObject({
      code: 0,
      stderr: 'limited model.bin\n',
    })
  })

  test('takes its default from the configuration, which has none', async () => {
    expect(await save({})).toMatchObject({ code: 0, stderr: '' })
    expect(await save({ limitUpload: '1 GB/s' })).toMatchObject({ code: 0, stderr: 'limited model.bin\n' })
  })

  test('is switched off by --no-limit-upload, and config shows that', async () => {
    const limited = { limitUpload: '1 GB/s' }
    expect(await save(limited, '--no-limit-upload')).toMatchObject({ code: 0, stderr: '' })
    expect((await inFolderOf(limited, 'config', '--no-limit-upload')).stdout).toMatch(
      /^limitUpload +none +option$/m,
    )
  })

  test.each(['fast', '50MB', '10KB/s'])('refuses %s', async (rate) => {
    const { code, stderr } = await save({}, '--limit-upload', rate)
    expect(code).toBe(2)
    expect(stderr).toContain('It must be a rate of at least 100KB/s, such as 200MB/s or 64MiB/s.')
  })

  test('names the field of a configuration that is not a rate', async () => {
    const { code, stderr } = await save({ limitDownload: '50 MB' })
    expect(code).toBe(2)
    expect(stderr).toContain(
      "limitDownload: Write a number of bytes per second, or a string such as '200 MB/s'",
    )
  })
})
