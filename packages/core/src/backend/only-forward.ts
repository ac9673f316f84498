/** Returns a function that reports only progress beyond what it has reported, for work that starts again in another way. */
export function onlyForward(onProgress: ((bytes: number) => void) | undefined): (bytes: number) => void {
  let reported = 0
  return (bytes) => {
    if (bytes <= reported) return
    reported = bytes
    onProgress?.(bytes)
  }
}
