import * as v from 'valibot'
import type { AttemptId } from '../../catalog/documents/index.ts'
import { formatOf, formatSchema } from '../../catalog/documents/format-version.ts'
import { attemptSchema } from '../../catalog/documents/layout.ts'
import type { Named } from '../../catalog/documents/named.ts'
import { parseDocument } from '../../catalog/documents/parse-document.ts'
import { requiresSchema } from '../../catalog/documents/requires.ts'
import { seal } from '../../catalog/documents/sealed.ts'
import { countSchema } from '../../catalog/documents/values.ts'
import { HoldfastError, isHoldfastError } from '../../errors.ts'
import type { MemberFiles } from '../../local-files/member-files.ts'

const uuid = v.pipe(v.string(), v.uuid())

const memberFileSchema = v.looseObject({
  format: formatSchema('member'),
  requires: requiresSchema,
  /** The id of the store, by its marker. */
  store: v.string(),
  rank: countSchema,
  size: countSchema,
  process: uuid,
  ticket: countSchema,
  term: countSchema,
  /** The id with which all ranks of the term own the store. */
  owner: uuid,
  /** The version of the catalog with which the term took the store over, or a later one before its first save. */
  since: countSchema,
  resumed: v.nullable(attemptSchema),
})

/** A membership that several processes share, one after the other: the commands of one start of a rank. */
export type StoredMember = Omit<Named<v.InferOutput<typeof memberFileSchema>>, 'format' | 'requires'> & {
  readonly resumed: AttemptId | null
}

/** Returns the membership that a file holds. Rejects with `INVALID_ARGUMENT` if there is none, or if it is damaged. */
export async function readMemberFile(files: MemberFiles, file: string): Promise<StoredMember> {
  const bytes = await files.read(file)
  if (bytes === undefined)
    throw unusable(`There is no member file ${file}, so this process is no member of the job.`)
  try {
    return parseDocument('member', memberFileSchema, bytes, `The member file ${file}`)
  } catch (error) {
    if (!isHoldfastError(error, 'CORRUPT')) throw error
    throw unusable(error.message, error)
  }
}

/**
 * Creates a member file. Rejects with `INVALID_ARGUMENT` if it exists: another rank has created it since this one removed
 * it. If the process is killed meanwhile, the file is damaged, and readers reject it.
 */
export async function createMemberFile(
  files: MemberFiles,
  file: string,
  member: StoredMember,
): Promise<void> {
  const bytes = seal('member', { format: formatOf('member'), requires: [], ...member })
  if (await files.create(file, bytes)) return
  throw new HoldfastError(
    'INVALID_ARGUMENT',
    `Another process wrote the member file ${file} while this one joined the job. Give each rank a file of its own.`,
  )
}

/** The error for a file that makes this process no member of the job. */
function unusable(message: string, cause?: unknown): HoldfastError {
  return new HoldfastError('INVALID_ARGUMENT', message, { cause, hint: { kind: 'join-job' } })
}
