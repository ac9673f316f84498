import { homedir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { uploadsFolder } from '../src/uploads-folder.ts'

const local = 'C:\\Users\\me\\AppData\\Local'

test.each([
  ['below LOCALAPPDATA on Windows', 'win32', { LOCALAPPDATA: local }, `${local}\\holdfast\\uploads`],
  [
    'below XDG_STATE_HOME on Windows, if that is set',
    'win32',
    { XDG_STATE_HOME: 'D:\\state', LOCALAPPDATA: local },
    'D:\\state\\holdfast\\uploads',
  ],
  ['below XDG_STATE_HOME elsewhere', 'linux', { XDG_STATE_HOME: '/state' }, '/state/holdfast/uploads'],
] as const)('keeps the sessions of uploads %s', (_, platform, environment, folder) => {
  expect(uploadsFolder(environment, platform)).toBe(folder)
})

test.each([{}, { LOCALAPPDATA: 'AppData' }, { XDG_STATE_HOME: 'state', LOCALAPPDATA: 'AppData' }])(
  'keeps no sessions on Windows if the environment names no absolute path: %j',
  (environment) => {
    expect(uploadsFolder(environment, 'win32')).toBeUndefined()
  },
)

test.skipIf(process.platform === 'win32')('ignores a relative XDG_STATE_HOME', () => {
  expect(uploadsFolder({ XDG_STATE_HOME: 'state' }, 'linux')).toBe(
    join(homedir(), '.local/state/holdfast/uploads'),
  )
})
