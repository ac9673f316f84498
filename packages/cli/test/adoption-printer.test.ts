import { HoldfastError } from '@holdfast/core'
import type { WatchEvent } from '@holdfast/watch'
import { expect, onTestFinished, test, vi } from 'vitest'
import { printAdoption } from '../src/output/adoption.ts'
import { Printer } from '../src/output/printer.ts'

const error = new HoldfastError(
  'UNAVAILABLE',
  'Deleting /out/step_1 failed (EBUSY). Another program is using it.',
)

test.each<[string, WatchEvent, string]>([
  [
    'a deletion that is tried again',
    { type: 'notConsumed', name: 'step_1', error, retryIn: 5_000 },
    `step_1 could not be deleted from the folder: ${error.message} Next try in 5.0 s.\n`,
  ],
  [
    'an older version that is kept',
    { type: 'notConsumed', name: '.holdfast-kept-a', error, retryIn: undefined },
    `.holdfast-kept-a could not be deleted from the folder: ${error.message}\n`,
  ],
  [
    'a record that could not be written',
    { type: 'forgetful', folder: '/out', reason: 'The file system is full.' },
    'What was saved from /out could not be recorded there: The file system is full. Until it is, a restart saves checkpoints again that the store has dropped.\n',
  ],
  [
    'a checkpoint that the store lists',
    { type: 'known', name: 'step_1', step: 1, isListed: true },
    'step_1 is step 1, which is already saved.\n',
  ],
  [
    'a checkpoint that the store has dropped',
    { type: 'known', name: 'step_1', step: 1, isListed: false },
    'step_1 is step 1, which was saved before. The store has dropped it since.\n',
  ],
])('a watch notes %s', (_, event, text) => {
  const note = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  onTestFinished(() => {
    note.mockRestore()
  })
  printAdoption(new Printer(false), 'watching /out', event)
  expect(note.mock.calls.join('')).toBe(text)
})
