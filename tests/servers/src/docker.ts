import type { Command, Container, Tool } from './definition.ts'

export const docker: Tool = { name: 'a Docker daemon', command: 'docker', args: ['info'] }

/** Attached, so that it ends by the signals and the log of an ordinary process. */
export function runInDocker({ image, arguments: ofProgram }: Container, port: number): Command {
  const { args, environment = {} } = ofProgram(port)
  const variables = Object.entries(environment).flatMap(([name, value]) => ['--env', `${name}=${value}`])
  return {
    file: 'docker',
    args: ['run', '--rm', '--init', '--publish', `127.0.0.1:${port}:${port}`, ...variables, image, ...args],
  }
}

/** `minio/minio:RELEASE.2025` is of version `RELEASE.2025`. */
export function versionOfImage({ image }: Container): string {
  return image.slice(image.lastIndexOf(':') + 1)
}
