import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkpointFolder, lastLine, onStore } from './on-store.ts'

/** Makes a store with steps 1 to 4, of which one is pinned. The version of the catalog with the pin is damaged. */
async function damagedAfterPin(): Promise<string> {
  const folder = await checkpointFolder()
  for (const step of [1, 2, 3, 4])
    await onStore(folder, 'save', 'checkpoint.pth', '--step', `${step}`, '--metric', `l=0.${step}`)
  await onStore(folder, 'pin', '2')
  await damageNewest(folder)
  return folder
}

async function damageNewest(folder: string): Promise<void> {
  const versions = (await readdir(join(folder, 'store', 'catalog'))).sort()
  const newest = join(folder, 'store', 'catalog', versions.at(-1) ?? '')
  const bytes = await readFile(newest)
  bytes.writeUInt8(bytes.readUInt8(100) ^ 1, 100)
  await writeFile(newest, bytes)
}

async function steps(folder: string): Promise<readonly number[]> {
  const { stdout } = await onStore(folder, 'ls', '--json')
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string; step: number })
  return lines.flatMap(({ type, step }) => (type === 'checkpoint' ? [step] : []))
}

const warning =
  /^catalog\/\d+\.json is damaged: .*[^.]\. So the catalog was rebuilt from the checkpoints in the store\. It may have pinned steps 1, 2, 3 and 4, so they are pinned now\. If they need not stay: holdfast unpin 1 2 3 4$/m

test('a save over a damaged catalog keeps what may have been pinned, and warns', async () => {
  const folder = await damagedAfterPin()
  const words = ['save', 'checkpoint.pth', '--step', '9', '--keep-last', '1']
  const { code, stdout, stderr } = await onStore(folder, ...words)
  expect({ code, dropped: stdout.includes('dropped') }).toEqual({ code: 0, dropped: false })
  expect(stderr).toMatch(warning)
  expect(await steps(folder)).toEqual([1, 2, 3, 4, 9])
})

test('a rebuild warns of the steps that need several unpins', async () => {
  const folder = await checkpointFolder()
  const save = ['save', 'checkpoint.pth', '--metric', 'l=1', '--step']
  await onStore(folder, ...save, '1')
  for (const name of ['one', 'two']) {
    await onStore(folder, 'rewind', '1')
    await writeFile(join(folder, 'checkpoint.pth'), name)
    await onStore(folder, ...save, '2')
    await onStore(folder, 'pin', '2')
  }
  await damageNewest(folder)
  expect((await onStore(folder, 'save', 'checkpoint.pth', '--step', '3')).stderr).toMatch(
    /holdfast unpin 1 2\. Repeat it for step 2, of which several checkpoints are pinned$/m,
  )
})

test.each(['save checkpoint.pth --step 9', 'pin 3', 'repair'])(
  '%s reports in its JSON that it rebuilt the catalog',
  async (command) => {
    const folder = await damagedAfterPin()
    const { stdout } = await onStore(folder, ...command.split(' '), '--json')
    expect(lastLine(stdout)).toMatchObject({ warnings: [expect.stringMatching(warning)] })
    expect(stdout).toMatch(/"type":"rebuilt".*"pinned":\[1,2,3,4\]/)
  },
)

test('rm over a damaged catalog deletes nothing that may have been pinned', async () => {
  const folder = await damagedAfterPin()
  const { code, stderr } = await onStore(folder, 'rm', '4')
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(warning) as string })
  expect(stderr).toContain(
    'A repair pinned step 4, because it may have been pinned before. If it needs no pin, unpin it first.',
  )
  expect(await steps(folder)).toEqual([1, 2, 3, 4])
})

test('run rebuilds a damaged catalog, restores the latest checkpoint, and starts the program', async () => {
  const folder = await damagedAfterPin()
  const { code, stdout, stderr } = await onStore(folder, 'run', '--watch', 'out', '--', 'true')
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(warning) as string })
  expect(stdout).toContain('restored step 4')
})

test('a command that rebuilds nothing reports no warnings', async () => {
  const folder = await checkpointFolder()
  await onStore(folder, 'save', 'checkpoint.pth', '--step', '1')
  expect(lastLine((await onStore(folder, 'pin', '1', '--json')).stdout)).not.toHaveProperty('warnings')
})
