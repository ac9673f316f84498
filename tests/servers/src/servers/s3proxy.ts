import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ServerDefinition, Tool } from '../definition.ts'
import { run } from '../run.ts'
import { s3FromEnvironment } from './environment.ts'

const version = '4.0.0'
const credentials = { accessKeyId: 'holdfast', secretAccessKey: 'holdfast-secret' }

const maven: Tool = { name: 'mvn', command: 'mvn', args: ['--version'] }
const java: Tool = {
  name: 'java 17 or newer',
  command: 'java',
  args: ['-version'],
  accepts: (printed) => Number(/version "(\d+)/.exec(printed)?.[1]) >= 17,
}

/** A Maven project that depends on S3Proxy. It imports the versions of all dependencies from the build of S3Proxy. */
const project = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>io.holdfast</groupId>
  <artifactId>test-servers</artifactId>
  <version>1</version>
  <dependencyManagement>
    <dependencies>
      <dependency>
        <groupId>org.gaul</groupId>
        <artifactId>s3proxy</artifactId>
        <version>${version}</version>
        <type>pom</type>
        <scope>import</scope>
      </dependency>
    </dependencies>
  </dependencyManagement>
  <dependencies>
    <dependency>
      <groupId>org.gaul</groupId>
      <artifactId>s3proxy</artifactId>
      <version>${version}</version>
    </dependency>
  </dependencies>
</project>
`

/** The configuration of the log. Without it, S3Proxy logs every request in detail. */
const logging = `<configuration>
  <appender name="stderr" class="ch.qos.logback.core.ConsoleAppender">
    <target>System.err</target>
    <encoder><pattern>%d %level %logger{0} %msg%n</pattern></encoder>
  </appender>
  <root level="warn"><appender-ref ref="stderr" /></root>
</configuration>
`

/**
 * S3Proxy is the second choice for S3. Its conditional PUT creates a hard link, which fails if the name exists. Its
 * ListMultipartUploads treats a prefix as S3 does. Source: https://github.com/gaul/s3proxy.
 */
export const s3proxy: ServerDefinition<'s3proxy'> = {
  kind: 's3proxy',
  name: 'S3Proxy',
  version,
  hasEmulator: true,
  installation: {
    from: 'cache',
    tools: [maven, java],
    compiles: false,
    install: async (folder, environment) => {
      await writeFile(join(folder, 'pom.xml'), project)
      const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'
      await run('mvn', ['-q', '-B', goal, '-DoutputDirectory=lib'], { directory: folder, environment })
    },
  },
  runsOn: [java],
  command: async ({ installed, folder, port }) => {
    const data = join(folder, 'data')
    await mkdir(data)
    await writeFile(join(folder, 'logback.xml'), logging)
    await writeFile(join(folder, 's3proxy.conf'), properties(`http://127.0.0.1:${port}`, data))
    return {
      file: 'java',
      args: [
        `-Dlogback.configurationFile=${join(folder, 'logback.xml')}`,
        ...['-cp', join(installed, 'lib', '*')],
        ...['org.gaul.s3proxy.Main', '--properties', join(folder, 's3proxy.conf')],
      ],
    }
  },
  container: {
    image: `andrewgaul/s3proxy:${version}`,
    arguments: (port) => ({
      args: [],
      environment: {
        S3PROXY_ENDPOINT: `http://0.0.0.0:${port}`,
        S3PROXY_AUTHORIZATION: 'aws-v2-or-v4',
        S3PROXY_IDENTITY: credentials.accessKeyId,
        S3PROXY_CREDENTIAL: credentials.secretAccessKey,
        JCLOUDS_PROVIDER: 'filesystem',
        JCLOUDS_FILESYSTEM_BASEDIR: '/data',
        LOG_LEVEL: 'warn',
      },
    }),
  },
  health: { path: '/healthz', status: 200 },
  connection: (port) => ({ endpoint: `http://127.0.0.1:${port}`, region: 'us-east-1', ...credentials }),
  fromEnvironment: (environment) => s3FromEnvironment(environment, 'HOLDFAST_TEST_S3_SECOND'),
}

function properties(endpoint: string, data: string): string {
  return `s3proxy.endpoint=${endpoint}
s3proxy.authorization=aws-v2-or-v4
s3proxy.identity=${credentials.accessKeyId}
s3proxy.credential=${credentials.secretAccessKey}
jclouds.provider=filesystem
jclouds.filesystem.basedir=${data}
`
}
