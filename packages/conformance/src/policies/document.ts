/** A document that a user applies to a bucket or a role, with the command that applies it. */
export interface PolicyDocument {
  readonly title: string
  readonly text: string
}

/** Returns the name of a key below a path, which may be empty. */
export function joined(path: string, name: string): string {
  return path === '' ? name : `${path}/${name}`
}

export function json(document: object): string {
  return JSON.stringify(document, null, 2)
}
