/** Returns a sentence if this version of Node.js cannot run Holdfast, else `undefined`. `engines` has the same limit. */
export function nodeVersionFault(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > 22 || (major === 22 && minor >= 18)) return undefined
  return `Holdfast needs Node.js 22.18 or newer, and this is Node.js ${version}. Install a newer one from https://nodejs.org.`
}
