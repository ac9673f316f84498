import { run } from '../harness/command.ts'

/** Returns the digest that `openssl dgst -sha256` prints. */
export async function opensslDigest(path: string): Promise<string> {
  const printed = await run('openssl', ['dgst', '-sha256', '-r', path])
  return printed.slice(0, 64)
}
