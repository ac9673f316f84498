import { expect, test } from 'vitest'
import {
  decideOnSignal,
  type HandledSignal,
  type OnSignal,
  type StopState,
} from '../src/signals/decide-on-signal.ts'

const running: StopState = { state: 'running' }
const finishing: StopState = { state: 'finishing', signal: 'SIGTERM', at: 0 }
const aborting: StopState = { state: 'aborting', signal: 'SIGINT', at: 0 }

test.each<[HandledSignal, StopState, boolean, number, OnSignal]>([
  ['SIGTERM', running, true, 0, 'finish'],
  ['SIGTERM', running, false, 0, 'abort'],
  ['SIGINT', running, true, 0, 'abort'],
  ['SIGINT', running, false, 0, 'abort'],
  ['SIGHUP', running, true, 0, 'ignore'],
  ['SIGHUP', running, false, 0, 'abort'],
  ['SIGUSR1', running, true, 0, 'ignore'],
  ['SIGUSR2', running, false, 0, 'ignore'],
  ['SIGUSR2', aborting, false, 5000, 'ignore'],
  ['SIGTERM', finishing, true, 999, 'ignore'],
  ['SIGTERM', finishing, true, 1000, 'abort'],
  ['SIGINT', finishing, true, 10, 'abort'],
  ['SIGHUP', finishing, true, 2000, 'ignore'],
  ['SIGINT', aborting, true, 999, 'ignore'],
  ['SIGINT', aborting, true, 1000, 'exit'],
  ['SIGTERM', aborting, true, 10, 'exit'],
])('%s while %j, with a grace: %s, after %i ms: %s', (signal, stop, mayFinish, now, expected) => {
  expect(decideOnSignal(signal, stop, mayFinish, now)).toBe(expected)
})
