/**
 * Names of devices, also with an extension, characters that no name may have, and ends that Windows removes:
 * https://learn.microsoft.com/windows/win32/fileio/naming-a-file#naming-conventions.
 */
const reserved = /^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[\d¹²³]) *(\.|$)|[<>:"|?*]|[. ]$/i

/** Whether Windows would take one part of a path for something else than a file or folder of this very name. */
export function isReservedOnWindows(part: string): boolean {
  return reserved.test(part)
}
