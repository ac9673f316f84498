import type { S3Connection } from '../kinds.ts'

/**
 * An S3 server of the environment: `<prefix>_ENDPOINT`, `_ACCESS_KEY_ID` and `_SECRET_ACCESS_KEY`; `_REGION` and
 * `_BUCKET` where it wants them.
 */
export function s3FromEnvironment(
  environment: NodeJS.ProcessEnv,
  prefix: string,
): { readonly name: string; readonly connection: S3Connection } | undefined {
  const endpoint = given(environment, `${prefix}_ENDPOINT`)
  if (endpoint === undefined) return undefined
  const bucket = given(environment, `${prefix}_BUCKET`)
  return {
    name: endpoint,
    connection: {
      endpoint,
      region: given(environment, `${prefix}_REGION`) ?? 'us-east-1',
      accessKeyId: needed(environment, `${prefix}_ACCESS_KEY_ID`, `${prefix}_ENDPOINT`),
      secretAccessKey: needed(environment, `${prefix}_SECRET_ACCESS_KEY`, `${prefix}_ENDPOINT`),
      ...(bucket === undefined ? {} : { bucket }),
    },
  }
}

/** An empty variable counts as none. */
export function given(environment: NodeJS.ProcessEnv, name: string): string | undefined {
  const value = environment[name]
  return value === '' ? undefined : value
}

function needed(environment: NodeJS.ProcessEnv, name: string, because: string): string {
  const value = given(environment, name)
  if (value === undefined) throw new Error(`${because} is set, so ${name} must be set too.`)
  return value
}
