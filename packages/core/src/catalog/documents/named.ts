/**
 * The members that a schema names, deeply read-only. A document that a newer writer extends has more members: a copy
 * by spread preserves them, and their names are no part of the type, so that a misspelt name does not compile.
 */
export type Named<T> = T extends string | number | boolean | null | undefined
  ? T
  : T extends readonly (infer Item)[]
    ? readonly Named<Item>[]
    : T extends object
      ? NamedMembers<T>
      : T

type NamedMembers<T extends object> = [NamedKey<T>] extends [never]
  ? { readonly [Key in keyof T]: Named<T[Key]> } // a record, whose names come from outside
  : { readonly [Key in keyof T as string extends Key ? never : Key]: Named<T[Key]> }

type NamedKey<T> = keyof { [Key in keyof T as string extends Key ? never : Key]: T[Key] }
