/** A package whose code is a part of another package. */
export interface BundledPackage {
  readonly name: string
  readonly version: string
  /** An SPDX expression. */
  readonly license: string
}

/** The parts of a bill of materials in CycloneDX that concern components: https://cyclonedx.org/docs/1.6/json. */
export interface Bill {
  readonly components?: readonly { readonly purl?: string }[]
}

/** Returns the packages that `LICENSES.txt` of a bundle names. Each begins with a line of `licenseText`. */
export function bundledIn(licenses: string): readonly BundledPackage[] {
  return [...licenses.matchAll(/^((?:@[\w.-]+\/)?[\w.-]+) (\d+\.\d+\.\d+\S*) \((.+)\)$/gm)].map(
    ([, name = '', version = '', license = '']) => ({ name, version, license }),
  )
}

/** Returns the bill with the bundled packages that it lacks. pnpm lists only the dependencies that npm installs. */
export function withBundled<B extends Bill>(bill: B, bundled: readonly BundledPackage[]): B {
  const { components = [] } = bill
  const added = bundled
    .map((each) => ({ ...each, purl: purlOf(each) }))
    .filter(({ purl }) => !components.some((component) => component.purl === purl))
    .map(({ name, version, license, purl }) => ({
      type: 'library',
      name,
      version,
      purl,
      'bom-ref': purl,
      scope: 'required',
      licenses: [{ expression: license }],
      properties: [{ name: 'holdfast:bundled', value: 'true' }],
    }))
  return { ...bill, components: [...components, ...added] }
}

function purlOf({ name, version }: BundledPackage): string {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`
}
