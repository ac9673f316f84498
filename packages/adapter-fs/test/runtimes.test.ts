import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { FileBackend } from '../src/index.ts'
import { temporaryFolder } from './folders.ts'

const standard = Object.getOwnPropertyDescriptor(ReadableByteStreamController.prototype, 'byobRequest') ?? {}

afterEach(() => {
  Object.defineProperty(ReadableByteStreamController.prototype, 'byobRequest', standard)
})

test('reads a file in a runtime whose byobRequest is undefined instead of null, such as Bun', async () => {
  Object.defineProperty(ReadableByteStreamController.prototype, 'byobRequest', {
    ...standard,
    get(this: ReadableByteStreamController) {
      return (standard.get?.call(this) as ReadableStreamBYOBRequest | null) ?? undefined
    },
  })
  const folder = await temporaryFolder()
  await writeFile(join(folder, 'a'), 'the bytes')
  const { body } = await new FileBackend(folder).read('a')
  expect(await new Response(body).text()).toBe('the bytes')
})
