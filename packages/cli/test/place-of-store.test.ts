import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { holdfast } from './holdfast.ts'
import { checkpointFolder } from './on-store.ts'

describe('the store', () => {
  test('comes from the option, then the environment, then the nearest configuration file upwards', async () => {
    const folder = await checkpointFolder()
    await mkdir(join(folder, 'deep', 'er'), { recursive: true })
    const config = { store: './configured', objectives: { loss: { metric: 'val_loss', direction: 'min' } } }
    await writeFile(join(folder, 'holdfast.config.json'), JSON.stringify(config))
    await holdfast(
      join(folder, 'deep', 'er'),
      'save',
      '../../checkpoint.pth',
      '--step',
      '1',
      '--metric',
      'val_loss=1',
    )
    expect(await readdir(join(folder, 'configured'))).toContain('holdfast.json')
    expect((await holdfast(join(folder, 'deep'), 'ls')).stdout).toContain('best loss')
  })

  test('comes from a configuration in TypeScript', async () => {
    const folder = await checkpointFolder()
    await writeFile(
      join(folder, 'holdfast.config.ts'),
      "const store: string = './typed'\nexport default { store }\n",
    )
    await holdfast(folder, 'save', 'checkpoint.pth', '--step', '1')
    expect(await readdir(join(folder, 'typed'))).toContain('holdfast.json')
  })

  test.each([
    ['{ "stor": "./x" }', 'stor'],
    ['{ "objectives": { "a": { "metric": "b", "direction": "up" } } }', 'direction'],
    ['{ not json', 'cannot be read'],
  ])('is not opened with an invalid configuration: %s', async (text, named) => {
    const folder = await checkpointFolder()
    await writeFile(join(folder, 'holdfast.config.json'), text)
    expect(await holdfast(folder, 'ls')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(named) as string,
    })
  })
})
