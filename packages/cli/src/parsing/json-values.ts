import { readFile } from 'node:fs/promises'
import { HoldfastError, type JsonValue, parseJson } from '@holdfast/core'
import { fromPathError } from '@holdfast/core/backend'

/** Reads the position in the data from JSON, or from a file if the text is `@FILE`. */
export async function readDataState(text: string): Promise<JsonValue> {
  if (!text.startsWith('@')) return parseJson(text, 'dataState')
  const file = text.slice(1)
  return parseJson(textOf(await contentOf(file), file), file)
}

/** Parses the values of `--meta`. A value that is not JSON is a text. */
export function metadataOf(texts: Readonly<Record<string, string>>): Readonly<Record<string, JsonValue>> {
  return Object.fromEntries(
    Object.entries(texts).map(([name, text]) => [name, jsonOrText(text, `metadata.${name}`)]),
  )
}

function jsonOrText(text: string, where: string): JsonValue {
  try {
    const value: unknown = JSON.parse(text)
    // A digest or identifier may look like a number. It is a number only if JSON writes it in the same way.
    if (typeof value === 'number' && !integer.test(text) && String(value) !== text) return text
  } catch {
    return text
  }
  return parseJson(text, where)
}

const integer = /^(?:0|-?[1-9]\d*)$/

async function contentOf(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file)
  } catch (error) {
    throw fromPathError(error, `reading the data state from ${file}`)
  }
}

function textOf(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `${file} is not UTF-8. Write the data state as JSON in UTF-8.`,
      {
        cause: error,
      },
    )
  }
}
