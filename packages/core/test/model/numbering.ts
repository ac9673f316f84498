/** Numbers values from 0 in the order of their first appearance. Values with the same text are equal. */
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

  /** Returns the first value with this number. Throws `RangeError` for an unknown number. */
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
