/** A JSON number as text, made by `JSON.rawJSON`. */
interface RawJson {
  readonly rawJSON: string
}

/** "JSON.parse source text access", which the libraries of TypeScript do not describe yet. Node.js has it since version 21. */
interface JSON {
  parse(
    text: string,
    reviver: (
      this: unknown,
      key: string,
      value: unknown,
      context: { readonly source?: string | undefined },
    ) => unknown,
  ): unknown
  rawJSON(text: string): RawJson
  isRawJSON(value: unknown): value is RawJson
}
