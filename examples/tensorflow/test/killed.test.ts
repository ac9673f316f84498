import { fork } from 'node:child_process'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { adapter } from '@holdfast/adapter-fs'
import { openStore } from '@holdfast/core'
import { expect, onTestFinished, test } from 'vitest'
import type { Message } from '../src/train.ts'

const program = fileURLToPath(new URL('../src/train.ts', import.meta.url))
const killer = new URL('kill-upon.ts', import.meta.url).href

/** Runs the training until it ends, or until a message such as `saved 5`, upon which it is killed. Returns its messages. */
async function run(place: string, killUpon?: string): Promise<readonly Message[]> {
  const messages: Message[] = []
  const child = fork(program, [place], {
    execArgv: killUpon === undefined ? [] : ['--import', killer],
    env: { ...process.env, KILL_UPON: killUpon },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  child.on('message', (message: Message) => {
    messages.push(message)
  })
  const ended = await new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      resolve(code ?? signal)
    })
  })
  expect(ended).toBe(killUpon === undefined ? 0 : 'SIGKILL')
  return messages
}

const newPlace = (): Promise<string> => mkdtemp(join(tmpdir(), 'holdfast-tensorflow-'))
const lastOf = (messages: readonly Message[]): Message | undefined => messages.at(-1)

test('a training that is killed in the middle of an epoch and of a save ends with the same weights', async () => {
  const [whole, place] = await Promise.all([newPlace(), newPlace()])
  const expected = lastOf(await run(whole))
  expect(expected).toMatchObject({ kind: 'finished', step: 40 })

  await run(place, 'saved 5')
  const second = await run(place, 'saving 15')
  expect(second[0]).toEqual({ kind: 'resumed', step: 5 })
  const third = await run(place)
  expect(third[0]).toMatchObject({ kind: 'resumed' })
  expect(lastOf(third)).toEqual(expected)

  await using store = await openStore(place, { adapters: [adapter], config: false })
  expect((await store.verify()).good).toBe(true)
})
