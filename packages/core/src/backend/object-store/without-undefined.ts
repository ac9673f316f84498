/** Returns the fields whose value is not `undefined`. Some SDKs treat a field that is `undefined` unlike an absent one. */
export function withoutUndefined<Fields extends object>(fields: Fields): WithoutUndefined<Fields> {
  const present = Object.entries(fields).filter(([, value]) => value !== undefined)
  return Object.fromEntries(present) as WithoutUndefined<Fields>
}

/** The type of `Fields` after every field with the value `undefined` is removed. */
export type WithoutUndefined<Fields> = {
  readonly [Name in keyof Fields as undefined extends Fields[Name] ? never : Name]: Fields[Name]
} & {
  readonly [Name in keyof Fields as undefined extends Fields[Name] ? Name : never]?: Exclude<
    Fields[Name],
    undefined
  >
}
