/**
 * The options of each adapter by the scheme of its URLs. An adapter package adds its own, so that the compiler checks `backend`
 * against the scheme of the location:
 *
 * @example
 * declare module '@holdfast/core/backend' {
 *   interface BackendOptionsByScheme { readonly s3: S3Options }
 * }
 */
export interface BackendOptionsByScheme {
  readonly mem: Readonly<Record<string, never>>
  readonly file: Readonly<Record<string, never>>
}

/**
 * The options of the adapter for a location, if the location is a literal and the types of its adapter are imported. A path that
 * begins with `.`, `/` or `~` has the options of `file`. Any other text could begin with a variable that holds a URL.
 */
export type BackendOptionsOf<Location extends string> = Location extends `${'.' | '/' | '~'}${string}`
  ? BackendOptionsByScheme['file']
  : Location extends `${infer Scheme}:${string}`
    ? Scheme extends keyof BackendOptionsByScheme
      ? BackendOptionsByScheme[Scheme]
      : Readonly<Record<string, unknown>>
    : Readonly<Record<string, unknown>>
