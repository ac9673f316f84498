/** Declares one option. `Value` is the type of the value that the command receives. */
export interface OptionDeclaration<Value> {
  readonly description: string
  /** Shown in the help after the name, such as `<n>`. A flag has none. */
  readonly placeholder?: string
  /** One letter, for `-s` beside `--store`. */
  readonly short?: string
  readonly isRequired?: boolean
  readonly isHidden?: boolean
  /** Describes `--no-NAME`, which sets the option to `false`. */
  readonly negation?: string
  readonly initial?: Value
  /** Reads one value. `before` is the result of the earlier values of a repeated option. Flags have none. */
  parse?(text: string, before: Value | undefined): Value
}

/** Declares one argument. `Value` is the type of the value that the command receives. */
export interface ArgumentDeclaration<Value> {
  /** `<required>`, `[optional]`, or `<several...>`. */
  readonly syntax: string
  readonly description: string
  readonly initial?: Value
  parse(text: string, before: Value | undefined): Value
}

/** Options by name. The option `--keep-last` has the name `keepLast`. */
export type OptionDeclarations = Readonly<Record<string, OptionDeclaration<unknown>>>
export type ArgumentDeclarations = readonly ArgumentDeclaration<unknown>[]

export type OptionsOf<Declarations extends OptionDeclarations> = {
  readonly [Name in keyof Declarations]: Declarations[Name] extends OptionDeclaration<infer Value>
    ? Value
    : never
}

export type ArgumentsOf<Declarations extends ArgumentDeclarations> = {
  readonly [Index in keyof Declarations]: Declarations[Index] extends ArgumentDeclaration<infer Value>
    ? Value
    : never
}

type Parse<Value> = (text: string, before: Value | undefined) => Value

/** An option without a value, such as `--json`. */
export function flag(description: string): OptionDeclaration<true | undefined> {
  return { description }
}

export function option<Value>(
  placeholder: string,
  description: string,
  parse: Parse<Value>,
): OptionDeclaration<Value | undefined> {
  return { placeholder, description, parse: (value, before) => parse(value, before) }
}

export function requiredOption<Value>(
  placeholder: string,
  description: string,
  parse: Parse<Value>,
): OptionDeclaration<Value> {
  return { placeholder, description, parse, isRequired: true }
}

export function optionWithDefault(
  placeholder: string,
  description: string,
  initial: string,
): OptionDeclaration<string> {
  return { placeholder, description, initial, parse: text }
}

/** Accepts the option but leaves it out of the help. */
export function hidden<Value>(declaration: OptionDeclaration<Value>): OptionDeclaration<Value> {
  return { ...declaration, isHidden: true }
}

/** A flag that also has `--no-NAME`, which sets it to `false`. */
export function negatableFlag(description: string, negation: string): OptionDeclaration<boolean | undefined> {
  return { description, negation }
}

/** An option that also has `--no-NAME`, which sets it to `false`. */
export function negatableOption<Value>(
  placeholder: string,
  description: string,
  negation: string,
  parse: (text: string) => Value,
): OptionDeclaration<Value | false | undefined> {
  return { placeholder, description, negation, parse: (value) => parse(value) }
}

export function argument<Value>(
  syntax: string,
  description: string,
  parse: Parse<Value>,
): ArgumentDeclaration<Value> {
  return { syntax, description, parse }
}

export function argumentWithDefault(
  syntax: string,
  description: string,
  initial: string,
): ArgumentDeclaration<string> {
  return { syntax, description, initial, parse: text }
}

export function optionalArgument<Value>(
  syntax: string,
  description: string,
  parse: Parse<Value>,
): ArgumentDeclaration<Value | undefined> {
  return { syntax, description, parse: (value, before) => parse(value, before) }
}

/** Takes a value as it is. */
export function text(value: string): string {
  return value
}

/** Collects the values of a repeated option. */
export function gather(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value]
}
