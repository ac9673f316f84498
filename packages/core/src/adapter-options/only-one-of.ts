import { HoldfastError } from '../errors.ts'

/** Returns which of some options that exclude each other are given. Throws `CONFIG` for more than one. `false` counts as not given. */
export function onlyOneOf<Name extends string>(
  options: Readonly<Partial<Record<Name, unknown>>>,
  names: readonly Name[],
): readonly Name[] {
  const given = names.filter((name) => options[name] !== undefined && options[name] !== false)
  if (given.length > 1) throw new HoldfastError('CONFIG', `Pass one of ${given.join(' and ')}, not both.`)
  return given
}
