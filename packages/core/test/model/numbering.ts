/** Numbers values from 0 on, in the order in which they are first seen. Values of the same text are one. */
export class Numbering<T> {
  readonly #textOf: (value: T) => string
  readonly #values: T[] = []
  readonly #byText = new Map<string, number>()
  readonly #byValue = new Map<T, number>()

  constructor(textOf: (value: T) => string) {
    this.#textOf = textOf
  }

  numberOf(value: T): number {
    const known = this.#byValue.get(value)
    if (known !== undefined) return known
    const text = this.#textOf(value)
    return this.#byText.get(text) ?? this.#add(value, text)
  }

  /** The value that was the first to get this number. Throws `RangeError` for a number that none has. */
  valueOf(number: number): T {
    const value = this.#values[number]
    if (value === undefined) throw new RangeError(`No value has the number ${number}`)
    return value
  }

  #add(value: T, text: string): number {
    const number = this.#values.push(value) - 1
    this.#byText.set(text, number)
    this.#byValue.set(value, number)
    return number
  }
}
