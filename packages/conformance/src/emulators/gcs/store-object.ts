import { assertConditions } from './conditions.ts'
import type { Context } from './context.ts'
import { assertHashes } from './hashes.ts'
import type { Described, ExpectedHashes } from './metadata.ts'
import type { Conditions, Content, StoredObject } from './model.ts'

/** What is to become of bytes that are stored. */
export interface Wanted {
  readonly bucket: string
  readonly name: string
  readonly described: Described
  readonly hashes: ExpectedHashes
  readonly conditions: Conditions
}

/**
 * Makes bytes an object of a new generation, if the hashes and the conditions hold. Between the check and the
 * publication nothing waits. When they do not hold the bytes are not removed.
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
