/**
 * The members that a schema names, deeply read-only. A document from a newer writer can have more members. A copy by
 * spread preserves them. They are not part of the type, so a misspelt name does not compile.
 */
export type Named<T> = T extends string | number | boolean | null | undefined
  ? T
  : T extends readonly (infer Item)[]
    ? readonly Named<Item>[]
    : T extends object
      ? NamedMembers<T>
      : T

type NamedMembers<T extends object> = [NamedKey<T>] extends [never]
  ? { readonly [Key in keyof T]: Named<T[Key]> } // a record, whose member names are data
  : { readonly [Key in keyof T as string extends Key ? never : Key]: Named<T[Key]> }

type NamedKey<T> = keyof { [Key in keyof T as string extends Key ? never : Key]: T[Key] }
