import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { holdfast } from './holdfast.ts'
import { workFolder } from './work-folder.ts'

const numpyState =
  '{"seed":12345678901234567890,"state":35399562948360463058890781895381311971,"gauss":-0.5,"flops":1.25e+18}'

test('returns every digit of a data state and of metadata', async () => {
  const folder = await workFolder()
  await writeFile(join(folder, 'state.json'), `\uFEFF${numpyState}\n`)
  const metadata = ['--meta', 'cfg={"seed":9007199254740993}', '--meta', 'id=18446744073709551615']
  const save = ['-s', 'store', 'save', 'w.bin']
  expect(
    await holdfast(folder, ...save, '--step', '1', '--data-state', numpyState, ...metadata),
  ).toMatchObject({
    code: 0,
  })
  expect(await holdfast(folder, ...save, '--step', '2', '--data-state', '@state.json')).toMatchObject({
    code: 0,
  })

  const shown = await holdfast(folder, '-s', 'store', 'show', '1', '--json')
  expect(shown.stdout).toContain(`"dataState":${numpyState}`)
  expect(shown.stdout).toContain('"metadata":{"cfg":{"seed":9007199254740993},"id":18446744073709551615}')
  const told = await holdfast(folder, '-s', 'store', 'show', '1')
  expect(told.stdout).toContain(`data state ${numpyState}`)
  const restored = await holdfast(folder, '-s', 'store', 'restore', '2', '--to', 'out', '--json')
  expect(restored.stdout).toContain(`"dataState":${numpyState}`)
})

test('names the field that JavaScript would round, and saves nothing', async () => {
  const folder = await workFolder()
  const save = ['-s', 'store', 'save', 'w.bin', '--step', '1', '--data-state']
  expect(await holdfast(folder, ...save, '{"a":{"b":[1,0.12345678901234567891]}}')).toMatchObject({
    code: 2,
    stderr:
      'holdfast: dataState.a.b[1] is 0.12345678901234567891, which JavaScript cannot represent exactly. Write it as a string.\n',
  })
  expect(await holdfast(folder, ...save, '{"ema":NaN}')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('json.dumps(..., allow_nan=False)') as string,
  })
  expect(await holdfast(folder, ...save, '@missing.json')).toMatchObject({ code: 2 })
  expect((await holdfast(folder, '-s', 'store', 'ls')).stdout).toMatch(/^No checkpoint/)
})
