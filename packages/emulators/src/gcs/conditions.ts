import { conditionNotMet, GcsError } from './errors.ts'
import { type GcsRequest, numberParameter } from './request.ts'
import type { Conditions, StoredObject } from './model.ts'

/** The parameters that set conditions on the object, or on the source of a copy. */
export const conditionParameters: readonly string[] = [
  'ifGenerationMatch',
  'ifGenerationNotMatch',
  'ifMetagenerationMatch',
  'ifMetagenerationNotMatch',
]

export const sourceConditionParameters: readonly string[] = conditionParameters.map((name) =>
  name.replace('if', 'ifSource'),
)

export function conditionsOf(request: GcsRequest, prefix: 'if' | 'ifSource' = 'if'): Conditions {
  return {
    generationMatch: numberParameter(request, `${prefix}GenerationMatch`),
    generationNotMatch: numberParameter(request, `${prefix}GenerationNotMatch`),
    metagenerationMatch: numberParameter(request, `${prefix}MetagenerationMatch`),
    metagenerationNotMatch: numberParameter(request, `${prefix}MetagenerationNotMatch`),
  }
}

/** Throws 412 unless the conditions hold for the current object. An absent object has the generation 0. */
export function assertConditions(conditions: Conditions, object: StoredObject | undefined): void {
  if (matches(conditions, object) && !isExcluded(conditions, object)) return
  throw conditionNotMet()
}

/** Does the same for a read, but throws 304 if a condition of the kind `NotMatch` fails. */
export function assertReadConditions(conditions: Conditions, object: StoredObject): void {
  if (!matches(conditions, object)) throw conditionNotMet()
  if (isExcluded(conditions, object)) throw new GcsError(304, 'notModified', 'Not Modified')
}

function matches(
  { generationMatch, metagenerationMatch }: Conditions,
  object: StoredObject | undefined,
): boolean {
  const generation = object?.generation ?? 0
  return (
    (generationMatch ?? generation) === generation &&
    (metagenerationMatch === undefined || metagenerationMatch === object?.metageneration)
  )
}

function isExcluded(
  { generationNotMatch, metagenerationNotMatch }: Conditions,
  object: StoredObject | undefined,
): boolean {
  return (
    generationNotMatch === (object?.generation ?? 0) ||
    (metagenerationNotMatch !== undefined && metagenerationNotMatch === object?.metageneration)
  )
}
