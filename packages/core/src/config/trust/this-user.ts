import { readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { nodeErrorCode } from '../../node-errors.ts'
import type { User } from './rules.ts'

/** Returns the user that runs this process. Returns `undefined` if files have no numeric owners, as on Windows. */
export function thisUser(): User | undefined {
  const uid = process.geteuid?.()
  if (uid === undefined) return undefined
  const primary = process.getegid?.()
  return {
    uid,
    isPrivateGroup: (gid) =>
      gid === primary &&
      isPrivateGroup(gid, { uid, name: nameOf(uid) }, textOf('/etc/group'), textOf('/etc/passwd')),
  }
}

interface NamedUser {
  readonly uid: number
  /** `undefined` for an id without an account, as in many containers. */
  readonly name: string | undefined
}

/**
 * Whether the primary group of a user is private: it has the user's name and no other member. `groups` and `accounts`
 * are the contents of /etc/group and /etc/passwd. A group of a directory service is in neither file. By convention it
 * is private if its id equals that of the user.
 */
export function isPrivateGroup(gid: number, user: NamedUser, groups: string, accounts: string): boolean {
  const group = fieldsOf(groups).find((fields) => fields[2] === String(gid))
  const isShared = fieldsOf(accounts).some(
    ([, , uid, primary]) => primary === String(gid) && uid !== String(user.uid),
  )
  if (isShared) return false
  if (group === undefined) return gid === user.uid
  const members = (group[3] ?? '').split(',').filter((member) => member !== '')
  return group[0] === user.name && members.every((member) => member === user.name)
}

function fieldsOf(text: string): readonly (readonly string[])[] {
  return text.split('\n').map((line) => line.trim().split(':'))
}

function nameOf(uid: number): string | undefined {
  try {
    const info = userInfo()
    return info.uid === uid ? info.username : undefined
  } catch (error) {
    // Node.js reports an id without an account with this error.
    if (nodeErrorCode(error) === 'ERR_SYSTEM_ERROR') return undefined
    throw error
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (nodeErrorCode(error) === 'ENOENT') return ''
    throw error
  }
}
