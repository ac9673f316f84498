import type { S3Connection } from '../kinds.ts'

/**
 * Returns the S3 server that environment variables name. `<prefix>_ENDPOINT`, `_ACCESS_KEY_ID` and
 * `_SECRET_ACCESS_KEY` are required, `_REGION` and `_BUCKET` are optional.
 */
export function s3FromEnvironment(
  environment: NodeJS.ProcessEnv,
  prefix: string,
): { readonly name: string; readonly connection: S3Connection } | undefined {
  const endpoint = variable(environment, `${prefix}_ENDPOINT`)
  if (endpoint === undefined) return undefined
  const bucket = variable(environment, `${prefix}_BUCKET`)
  return {
    name: endpoint,
    connection: {
      endpoint,
      region: variable(environment, `${prefix}_REGION`) ?? 'us-east-1',
      accessKeyId: requiredVariable(environment, `${prefix}_ACCESS_KEY_ID`, `${prefix}_ENDPOINT`),
      secretAccessKey: requiredVariable(environment, `${prefix}_SECRET_ACCESS_KEY`, `${prefix}_ENDPOINT`),
      ...(bucket === undefined ? {} : { bucket }),
    },
  }
}

/** Returns the value of an environment variable, or `undefined` if it is missing or empty. */
export function variable(environment: NodeJS.ProcessEnv, name: string): string | undefined {
  const value = environment[name]
  return value === '' ? undefined : value
}

function requiredVariable(environment: NodeJS.ProcessEnv, name: string, because: string): string {
  const value = variable(environment, name)
  if (value === undefined) throw new Error(`${because} is set but ${name} is not. Set both.`)
  return value
}
