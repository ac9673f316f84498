import type { Command, Container, Tool } from './definition.ts'

export const docker: Tool = { name: 'a Docker daemon', command: 'docker', args: ['info'] }

/** Returns a command that runs a container attached, so that signals and logs work as for an ordinary process. */
export function runInDocker({ image, arguments: ofProgram }: Container, port: number): Command {
  const { args, environment = {} } = ofProgram(port)
  const variables = Object.entries(environment).flatMap(([name, value]) => ['--env', `${name}=${value}`])
  return {
    file: 'docker',
    args: ['run', '--rm', '--init', '--publish', `127.0.0.1:${port}:${port}`, ...variables, image, ...args],
  }
}

/** Returns the version in the tag of an image: `RELEASE.2025` for `minio/minio:RELEASE.2025`. */
export function versionOfImage({ image }: Container): string {
  return image.slice(image.lastIndexOf(':') + 1)
}
