/** Returns options with short delays between retries, because all servers are on this machine. */
export function backendOptions(url: string): Readonly<Record<string, unknown>> {
  return /^(s3|gs|az):/.test(url) ? { retry: { attempts: 10, minDelay: 5, maxDelay: 500 } } : {}
}
