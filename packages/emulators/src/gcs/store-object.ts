import { assertConditions } from './conditions.ts'
import type { Context } from './context.ts'
import { assertHashes } from './hashes.ts'
import type { Described, ExpectedHashes } from './metadata.ts'
import type { Conditions, Content, StoredObject } from './model.ts'

/** The name, metadata, expected hashes and conditions of an object that is stored. */
export interface Wanted {
  readonly bucket: string
  readonly name: string
  readonly described: Described
  readonly hashes: ExpectedHashes
  readonly conditions: Conditions
}

/**
 * Turns bytes into an object with a new generation, if the hashes and the conditions hold. The check and the
 * publication are one synchronous step. If the check fails, the caller removes the bytes.
 */
export async function storeObject(
  { state, now }: Context,
  { bucket, name, described, hashes, conditions }: Wanted,
  content: Content,
): Promise<StoredObject> {
  assertHashes(hashes, content)
  assertConditions(conditions, state.object(bucket, name))
  const time = now()
  const object: StoredObject = {
    ...described,
    ...content,
    bucket,
    name,
    generation: state.nextGeneration(time),
    metageneration: 1,
    created: time.getTime(),
    updated: time.getTime(),
  }
  await state.files.remove(state.publish(object))
  return object
}
