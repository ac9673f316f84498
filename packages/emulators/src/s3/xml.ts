import { S3Error } from './errors.ts'

/**
 * The content of an element: text, or child elements in order. A name with several values is written several times.
 */
export type XmlContent =
  | string
  | number
  | boolean
  | readonly XmlContent[]
  | { readonly [name: string]: XmlContent | undefined }

/** Writes a document with one root element. Omits values that are `undefined`. */
export function writeXml(root: string, content: XmlContent, namespace = true): string {
  const xmlns = namespace ? ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"' : ''
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root}${xmlns}>${inner(content)}</${root}>`
}

function inner(content: XmlContent): string {
  if (typeof content !== 'object') return escape(String(content))
  return Object.entries(content)
    .map(([name, value]) => (value === undefined ? '' : elements(name, value)))
    .join('')
}

function elements(name: string, value: XmlContent): string {
  if (Array.isArray(value)) return value.map((each: XmlContent) => elements(name, each)).join('')
  return `<${name}>${inner(value)}</${name}>`
}

function escape(text: string): string {
  // eslint-disable-next-line no-control-regex -- keys can have control characters, which XML 1.0 can only write as references
  return text.replace(/[&<>"'\u0000-\u001f]/g, (character) => `&#${character.charCodeAt(0)};`)
}

/** An element of a request document. */
export interface XmlElement {
  readonly name: string
  readonly text: string
  readonly children: readonly XmlElement[]
}

/**
 * Parses a request document. Clients of S3 send documents of a few levels, with no attributes except a namespace. A
 * parser for those is smaller than a dependency. All other XML throws `MalformedXML`.
 */
export function parseXml(document: string, root: string): XmlElement {
  const tokens = document.matchAll(
    /<\?xml[^>]*\?>|<(\/?)([A-Za-z][\w.-]*)(?:\s+xmlns="[^"]*")?\s*(\/?)>|([^<]+)/gy,
  )
  const stack: { name: string; text: string; children: XmlElement[] }[] = [
    { name: '', text: '', children: [] },
  ]
  let end = 0
  for (const [token, closes, name, empty, text] of tokens) {
    end += token.length
    const open = stack.at(-1)
    if (open === undefined) throw malformed()
    if (text !== undefined) open.text += unescape(text)
    if (name === undefined) continue
    if (closes === '/') {
      if (open.name !== name || stack.length === 1) throw malformed()
      stack.pop()
      continue
    }
    const element = { name, text: '', children: [] }
    open.children.push(element)
    if (empty !== '/') stack.push(element)
  }
  const [top] = stack
  const found = top?.children[0]
  if (end !== document.length || stack.length !== 1 || found?.name !== root || top?.children.length !== 1)
    throw malformed()
  return found
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function unescape(text: string): string {
  return text.replace(/&(#x[0-9a-fA-F]+|#\d+|\w+)?(;?)/g, (_, name: string | undefined, end: string) => {
    if (name === undefined || end === '') throw malformed()
    if (name.startsWith('#')) return character(Number(`0${name.slice(1)}`))
    const entity = entities[name]
    if (entity === undefined) throw malformed()
    return entity
  })
}

function character(point: number): string {
  if (point > 0x10ffff) throw malformed()
  return String.fromCodePoint(point)
}

/** Returns the text of the only child of this name, or `undefined`. Throws `MalformedXML` if there are several. */
export function childText(element: XmlElement, name: string): string | undefined {
  const found = element.children.filter((child) => child.name === name)
  if (found.length > 1) throw malformed()
  return found[0]?.text
}

/** Throws `MalformedXML` if a child has another name than these. */
export function onlyChildren(element: XmlElement, ...names: readonly string[]): void {
  const unknown = element.children.find(({ name }) => !names.includes(name))
  if (unknown !== undefined)
    throw new S3Error('NotImplemented', `The emulator does not know ${unknown.name} in ${element.name}.`)
}

function malformed(): S3Error {
  return new S3Error('MalformedXML')
}
