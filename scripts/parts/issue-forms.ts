import { parse } from 'yaml'

/** A form for an issue: https://docs.github.com/communities/using-templates-to-encourage-useful-issues-and-pull-requests/syntax-for-githubs-form-schema. */
interface Form {
  readonly name?: unknown
  readonly description?: unknown
  readonly body?: readonly Field[]
}

interface Field {
  readonly type?: string
  readonly id?: string
  readonly attributes?: {
    readonly label?: unknown
    readonly value?: unknown
    readonly options?: readonly unknown[]
  }
}

/** Returns the reasons for which GitHub would not show a form. */
export function formFaults(text: string): readonly string[] {
  const { name, description, body = [] } = parse(text) as Form
  const ids = body.flatMap(({ id }) => id ?? [])
  return [
    ...(isText(name) ? [] : ['It has no name.']),
    ...(isText(description) ? [] : ['It has no description.']),
    ...(body.some(({ type }) => type !== 'markdown') ? [] : ['It has no field.']),
    ...(new Set(ids).size === ids.length ? [] : ['Two fields have the same id.']),
    ...body.flatMap((field, index) => fieldFaults(field).map((fault) => `Field ${index + 1}: ${fault}`)),
  ]
}

function fieldFaults({ type, id, attributes = {} }: Field): readonly string[] {
  const { label, value, options = [] } = attributes
  if (type === 'markdown') return isText(value) ? [] : ['A markdown field has no value.']
  return [
    ...(['textarea', 'input', 'dropdown', 'checkboxes'].includes(type ?? '')
      ? []
      : [`${type} is not a field type.`]),
    ...(isText(label) ? [] : ['It has no label.']),
    ...(id === undefined || /^[\w-]+$/.test(id) ? [] : [`${id} is not a valid id.`]),
    ...(type === 'dropdown' ? optionFaults(options) : []),
  ]
}

/** YAML reads `no` as false in some versions, so GitHub refuses an option that is not a string. */
function optionFaults(options: readonly unknown[]): readonly string[] {
  return [
    ...(options.length > 0 && options.every(isText) ? [] : ['Its options must be strings.']),
    ...(new Set(options).size === options.length ? [] : ['Two options are equal.']),
  ]
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}
