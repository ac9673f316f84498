/** Returns the record's own member of this name. A plain lookup also finds inherited members, such as `toString`. */
export function ownMember<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}
