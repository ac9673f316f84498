/** A package whose code is a part of another package. */
export interface BundledPackage {
  readonly name: string
  readonly version: string
}

/** The parts of a bill of materials in CycloneDX that concern components: https://cyclonedx.org/docs/1.6/json. */
export interface Bill {
  readonly components?: readonly { readonly purl?: string }[]
}

/** Returns the packages that `LICENSES.txt` of a bundle names. Each begins with a line of its name and its version. */
export function bundledIn(licenses: string): readonly BundledPackage[] {
  return [...licenses.matchAll(/^((?:@[\w.-]+\/)?[\w.-]+) (\d+\.\d+\.\d+\S*)$/gm)].map(
    ([, name = '', version = '']) => ({ name, version }),
  )
}

/** Returns the bill with the bundled packages that it lacks. pnpm lists only the dependencies that npm installs. */
export function withBundled<B extends Bill>(bill: B, bundled: readonly BundledPackage[]): B {
  const { components = [] } = bill
  const added = bundled
    .map(({ name, version }) => ({ type: 'library', name, version, purl: purlOf(name, version) }))
    .filter(({ purl }) => !components.some((component) => component.purl === purl))
    .map((component) => ({
      ...component,
      'bom-ref': component.purl,
      scope: 'required',
      properties: [{ name: 'holdfast:bundled', value: 'true' }],
    }))
  return { ...bill, components: [...components, ...added] }
}

function purlOf(name: string, version: string): string {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`
}
