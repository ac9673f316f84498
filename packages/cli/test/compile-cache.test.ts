import { homedir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { cachesFolder } from '../src/compile-cache.ts'

const local = 'C:\\Users\\me\\AppData\\Local'

test.each([
  ['LOCALAPPDATA on Windows', 'win32', { LOCALAPPDATA: local, XDG_CACHE_HOME: 'D:\\cache' }, local],
  ['no folder on Windows if LOCALAPPDATA is not absolute', 'win32', { LOCALAPPDATA: 'AppData' }, undefined],
  ['no folder on Windows if LOCALAPPDATA is not set', 'win32', {}, undefined],
  ['XDG_CACHE_HOME elsewhere', 'linux', { XDG_CACHE_HOME: '/cache', LOCALAPPDATA: local }, '/cache'],
  ['~/.cache if XDG_CACHE_HOME is relative', 'linux', { XDG_CACHE_HOME: 'cache' }, join(homedir(), '.cache')],
] as const)('keeps compiled code below %s', (_, platform, environment, folder) => {
  expect(cachesFolder(environment, platform)).toBe(folder)
})
