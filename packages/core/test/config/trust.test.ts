import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { type PathPart, pathPartsOf } from '../../src/config/trust/path-parts.ts'
import { isPrivateGroup } from '../../src/config/trust/this-user.ts'
import { distrustOf, foreignPart, type Purpose, type User } from '../../src/config/trust/rules.ts'

const user: User = { uid: 1000, isPrivateGroup: (gid) => gid === 1000 }

function part(
  path: string,
  mode: number,
  { uid = 1000, gid = 1000, kind = 'folder' }: Partial<PathPart> = {},
): PathPart {
  return { path, mode, uid, gid, kind }
}

const root = part('/', 0o755, { uid: 0, gid: 0 })
const home = part('/home', 0o755, { uid: 0, gid: 0 })
const mine = part('/home/me', 0o755)
const tmp = part('/tmp', 0o1777, { uid: 0, gid: 0 })
const fileIn = (folder: string, change: Partial<PathPart> = {}): PathPart =>
  part(`${folder}/c`, change.mode ?? 0o644, { ...change, kind: change.kind ?? 'file' })

describe('a configuration file', () => {
  test.each<[string, readonly PathPart[], Purpose]>([
    ['of the user in folders of root and the user', [root, home, mine, fileIn('/home/me')], 'code'],
    ['of root', [root, home, mine, fileIn('/home/me', { uid: 0, gid: 0 })], 'code'],
    ['that the private group may write', [root, home, mine, fileIn('/home/me', { mode: 0o664 })], 'code'],
    ['in a folder that the private group may write', [root, part('/p', 0o775), fileIn('/p')], 'code'],
    ['with data in a sticky folder', [root, tmp, fileIn('/tmp')], 'data'],
    ['with code below a sticky folder', [root, tmp, part('/tmp/mine', 0o700), fileIn('/tmp/mine')], 'code'],
    [
      'behind a link of the user',
      [root, tmp, part('/tmp/c', 0o777, { kind: 'link' }), root, fileIn('')],
      'code',
    ],
  ])('%s is trusted', (_, parts, purpose) => {
    expect(distrustOf(parts, user, purpose)).toBeUndefined()
  })

  test.each<[string, readonly PathPart[], Purpose, RegExp]>([
    [
      'of another user',
      [root, tmp, fileIn('/tmp', { uid: 1001 })],
      'data',
      /\/tmp\/c belongs to the user 1001/,
    ],
    [
      'in a folder of another user',
      [root, part('/x', 0o755, { uid: 1001 }), fileIn('/x')],
      'data',
      /chown 1000 \/x/,
    ],
    [
      'that everyone may write',
      [root, mine, fileIn('/home/me', { mode: 0o646 })],
      'data',
      /chmod go-w \/home\/me\/c/,
    ],
    [
      'in a folder that everyone may write',
      [root, part('/x', 0o777), fileIn('/x')],
      'data',
      /chmod go-w \/x/,
    ],
    [
      'below such a folder',
      [root, part('/x', 0o777), part('/x/y', 0o700), fileIn('/x/y')],
      'data',
      /chmod go-w \/x$/,
    ],
    [
      'that a shared group may write',
      [root, mine, fileIn('/home/me', { mode: 0o664, gid: 100 })],
      'data',
      /group 100/,
    ],
    [
      'in a folder of a shared group',
      [root, part('/x', 0o775, { gid: 100 }), fileIn('/x')],
      'data',
      /chmod g-w \/x/,
    ],
    [
      'that is writable in a sticky folder',
      [root, tmp, fileIn('/tmp', { mode: 0o666 })],
      'data',
      /chmod go-w \/tmp\/c/,
    ],
    ['with code in a sticky folder', [root, tmp, fileIn('/tmp')], 'code', /create files in \/tmp/],
    [
      'behind a link of another user',
      [tmp, part('/tmp/c', 0o777, { uid: 1001, kind: 'link' }), mine],
      'data',
      /1001/,
    ],
    [
      'that is a pipe',
      [root, mine, part('/home/me/c', 0o644, { kind: 'other' })],
      'data',
      /not a regular file/,
    ],
    ['with a name that a shell would split', [part("/a b'c", 0o777)], 'data', /chmod go-w '\/a b'\\''c'/],
  ])('%s is not trusted, and the fix is named', (_, parts, purpose, message) => {
    const distrust = distrustOf(parts, user, purpose)
    expect(`${distrust?.reason ?? ''} ${distrust?.remedy ?? ''}`).toMatch(message)
  })

  test('is checked before the parts after it on its path are read', () => {
    function* parts(): Generator<PathPart> {
      yield part('/tmp/link', 0o777, { uid: 1001, kind: 'link' })
      throw new Error('the link was followed')
    }
    expect(distrustOf(parts(), user, 'data')?.reason).toContain('/tmp/link')
  })
})

describe('a group', () => {
  const groups = 'root:x:0:\nme:x:1000:\nours:x:2000:me,other\nusers:x:100:\nlone:x:3000:me\n'
  const accounts =
    'root:x:0:0::/root:/bin/sh\nme:x:1000:1000::/home/me:/bin/sh\nother:x:1001:3000::/:/bin/sh\n'

  test.each([
    ['has the name of its only user', 1000, { uid: 1000, name: 'me' }, true],
    ['has the name of root', 0, { uid: 0, name: 'root' }, true],
    ['is of another name', 100, { uid: 1000, name: 'me' }, false],
    ['has members', 2000, { uid: 1000, name: 'ours' }, false],
    ['is the primary group of another account', 3000, { uid: 1000, name: 'lone' }, false],
    ['is of the number of a user without an account', 7000, { uid: 7000, name: undefined }, true],
    ['is of another number than a user without an account', 7001, { uid: 7000, name: undefined }, false],
    ['is listed, and the user has no account', 100, { uid: 100, name: undefined }, false],
  ])('that %s is recognised', (_, gid, who, expected) => {
    expect(isPrivateGroup(gid, who, groups, accounts)).toBe(expected)
  })
})

test('a module is foreign if any part of its path belongs to someone else, except the folders of the program', () => {
  const shared = part('/shared', 0o755, { uid: 1001 })
  const planted = part('/tmp/node_modules', 0o755, { uid: 1001 })
  const owners = new Set([0, 1000])
  expect(
    foreignPart([root, tmp, planted, part('/tmp/node_modules/x', 0o755)], owners, new Set(['/tmp'])),
  ).toBe(planted)
  expect(foreignPart([root, shared, part('/shared/x', 0o755)], owners, new Set(['/shared']))).toBeUndefined()
})

describe('the parts of a path', () => {
  const folders: string[] = []
  afterAll(async () => {
    for (const folder of folders) await rm(folder, { recursive: true })
  })

  async function folder(): Promise<string> {
    const made = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-trust-')))
    folders.push(made)
    return made
  }

  test('include each link and its target', async () => {
    const at = await folder()
    await mkdir(join(at, 'real', 'deep'), { recursive: true })
    await writeFile(join(at, 'real', 'deep', 'file'), '')
    await symlink('real/deep/../deep', join(at, 'relative'))
    await symlink(join(at, 'relative'), join(at, 'absolute'))
    const parts = Array.from(pathPartsOf(join(at, 'absolute', 'file')), ({ path, kind }) => [kind, path])
    expect(parts.slice(0, 2)).toEqual([
      ['folder', '/'],
      ['folder', join('/', at.split('/')[1] ?? '')],
    ])
    expect(parts.filter(([kind]) => kind === 'link')).toEqual([
      ['link', join(at, 'absolute')],
      ['link', join(at, 'relative')],
    ])
    expect(parts.at(-1)).toEqual(['file', join(at, 'real', 'deep', 'file')])
  })

  test('end with an error if links form a cycle', async () => {
    const at = await folder()
    await symlink('b', join(at, 'a'))
    await symlink('a', join(at, 'b'))
    expect(() => [...pathPartsOf(join(at, 'a'))]).toThrow('too many symbolic links')
  })
})
