import { combineCrc32c, crc32cBase64, parseCrc32c } from '@holdfast/core/backend'
import { assertConditions, conditionsOf } from './conditions.ts'
import { type Context, json, type Run } from './context.ts'
import { invalid, notImplemented } from './errors.ts'
import { describe } from './metadata.ts'
import { assertObjectName } from './names.ts'
import { objectOf } from './objects.ts'
import { isJsonObject, type JsonObject, readJson } from './request.ts'
import { resourceOf } from './resource.ts'
import type { Content, StoredObject } from './model.ts'
import { storeObject } from './store-object.ts'

/**
 * The largest number of sources in one request: https://cloud.google.com/storage/docs/json_api/v1/objects/compose.
 */
const mostSources = 32

/**
 * Composes objects: https://cloud.google.com/storage/docs/json_api/v1/objects/compose. The result has a CRC32C and
 * no MD5: https://cloud.google.com/storage/docs/composite-objects.
 */
export const composeObject: Run = async (context, request) => {
  const [bucket = '', name = ''] = request.names
  assertObjectName(name)
  const body = await readJson(request)
  onlyFields(body, ['destination', 'kind', 'sourceObjects'])
  const destination = body['destination'] ?? {}
  if (!isJsonObject(destination)) throw invalid('Invalid value for destination.')
  const { crc32c, md5Hash } = destination
  if (crc32c !== undefined || md5Hash !== undefined) throw notImplemented('hashes of a destination')
  const wanted = parseSources(body['sourceObjects'])
  const described = { ...describe(destination), kmsKeyName: request.query.get('kmsKeyName') }

  // No await from here until the object is stored, so that the conditions still hold then.
  const sources = wanted.map((source) => sourceOf(context, bucket, source))
  const hashes = { crc32c: undefined, md5Hash: undefined }
  const into = { bucket, name, described, hashes, conditions: conditionsOf(request) }
  return json(200, resourceOf(await storeObject(context, into, composed(sources)), request))
}

interface Source {
  readonly name: string
  readonly generation: number | undefined
  readonly ifGenerationMatch: number | undefined
}

function parseSources(sources: unknown): readonly Source[] {
  if (!Array.isArray(sources) || sources.length === 0)
    throw invalid('You must provide at least one source component.')
  if (sources.length > mostSources)
    throw invalid(
      `The number of source components provided (${sources.length}) exceeds the maximum (${mostSources})`,
    )
  return sources.map((source: unknown) => {
    if (!isJsonObject(source)) throw invalid('Invalid value for sourceObjects.')
    onlyFields(source, ['generation', 'name', 'objectPreconditions'])
    const { name, generation, objectPreconditions = {} } = source
    if (typeof name !== 'string' || !isJsonObject(objectPreconditions))
      throw invalid('Invalid value for sourceObjects.')
    onlyFields(objectPreconditions, ['ifGenerationMatch'])
    return {
      name,
      generation: wholeNumber(generation),
      ifGenerationMatch: wholeNumber(objectPreconditions['ifGenerationMatch']),
    }
  })
}

function onlyFields(object: JsonObject, names: readonly string[]): void {
  const unknown = Object.keys(object).find((name) => !names.includes(name))
  if (unknown !== undefined) throw notImplemented(`the field ${unknown}`)
}

/** Parses an integer. Clients send 64-bit integers as strings or as numbers. */
function wholeNumber(value: unknown): number | undefined {
  if (value === undefined) return undefined
  const number = typeof value === 'string' || typeof value === 'number' ? Number(value) : Number.NaN
  if (!Number.isSafeInteger(number)) throw invalid('Invalid value for a generation.')
  return number
}

function sourceOf(context: Context, bucket: string, source: Source): StoredObject {
  const object = objectOf(context, bucket, source.name, source.generation)
  assertConditions({ generationMatch: source.ifGenerationMatch }, object)
  return object
}

function composed(sources: readonly StoredObject[]): Content {
  const crc32c = sources.reduce(
    (sum, { crc32c, size }) => combineCrc32c(sum, parseCrc32c(crc32c) ?? 0, size),
    0,
  )
  return {
    pieces: sources.flatMap(({ pieces }) => pieces),
    size: sources.reduce((sum, { size }) => sum + size, 0),
    crc32c: crc32cBase64(crc32c),
    md5Hash: undefined,
    components: sources.reduce((sum, { components }) => sum + (components ?? 1), 0),
  }
}
