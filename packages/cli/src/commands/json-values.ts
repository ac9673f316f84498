import { readFile } from 'node:fs/promises'
import { HoldfastError, type JsonValue, parseJson } from '@holdfast/core'
import { fromNodeError } from '@holdfast/core/backend'

/** The position in the data: JSON, or `@FILE` for a file that contains it. */
export async function readDataState(text: string): Promise<JsonValue> {
  if (!text.startsWith('@')) return parseJson(text, 'dataState')
  const file = text.slice(1)
  return parseJson(textOf(await contentOf(file), file), file)
}

/** The values of `--meta`: JSON if the text is JSON, else the text itself. */
export function metadataOf(texts: Readonly<Record<string, string>>): Readonly<Record<string, JsonValue>> {
  return Object.fromEntries(
    Object.entries(texts).map(([name, text]) => [name, jsonOrText(text, `metadata.${name}`)]),
  )
}

function jsonOrText(text: string, where: string): JsonValue {
  try {
    const value: unknown = JSON.parse(text)
    // A digest or an identifier may look like a number: it is one only if JSON would write it so.
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
    throw fromNodeError(error, `reading the data state from ${file}`)
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
