import { expect, test } from 'vitest'
import {
  decideOnSignal,
  type Finishing,
  type HandledSignal,
  type OnSignal,
  type StopState,
} from '../src/signals/decide-on-signal.ts'

const running: StopState = { state: 'running' }
const finishing: StopState = { state: 'finishing', signal: 'SIGTERM', at: 0 }
const aborting: StopState = { state: 'aborting', signal: 'SIGINT', at: 0 }

const none = undefined
const ofSave: Finishing = { after: ['SIGTERM'], ignoresHangup: true }
const ofWatch: Finishing = { after: ['SIGTERM', 'SIGINT'], ignoresHangup: false }

test.each<[HandledSignal, StopState, Finishing | undefined, number, OnSignal]>([
  ['SIGTERM', running, ofSave, 0, 'finish'],
  ['SIGTERM', running, none, 0, 'abort'],
  ['SIGINT', running, ofSave, 0, 'abort'],
  ['SIGINT', running, none, 0, 'abort'],
  ['SIGHUP', running, ofSave, 0, 'ignore'],
  ['SIGHUP', running, none, 0, 'abort'],
  ['SIGUSR1', running, ofSave, 0, 'ignore'],
  ['SIGUSR2', running, none, 0, 'ignore'],
  ['SIGUSR2', aborting, none, 5000, 'ignore'],
  ['SIGTERM', finishing, ofSave, 999, 'ignore'],
  ['SIGTERM', finishing, ofSave, 1000, 'abort'],
  ['SIGINT', finishing, ofSave, 10, 'abort'],
  ['SIGHUP', finishing, ofSave, 2000, 'ignore'],
  ['SIGINT', aborting, ofSave, 999, 'ignore'],
  ['SIGINT', aborting, ofSave, 1000, 'exit'],
  ['SIGTERM', aborting, ofSave, 10, 'exit'],
  ['SIGTERM', running, ofWatch, 0, 'finish'],
  ['SIGINT', running, ofWatch, 0, 'finish'],
  ['SIGHUP', running, ofWatch, 0, 'abort'],
  ['SIGINT', finishing, ofWatch, 10, 'abort'],
])('%s while %j, with a grace %j, after %i ms: %s', (signal, stop, grace, now, expected) => {
  expect(decideOnSignal(signal, stop, grace, now)).toBe(expected)
})
