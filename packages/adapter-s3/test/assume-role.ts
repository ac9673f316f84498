import { createHash, createHmac } from 'node:crypto'
import type { S3Credentials } from '../src/index.ts'

/**
 * Returns temporary credentials that a policy restricts: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html.
 * MinIO serves this request at the endpoint of S3, without a role.
 */
export async function assumeRole(
  endpoint: string,
  region: string,
  { accessKeyId, secretAccessKey }: S3Credentials,
  policy: string,
): Promise<S3Credentials> {
  const body = new URLSearchParams({ Action: 'AssumeRole', Version: '2011-06-15', Policy: policy }).toString()
  const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '')
  const date = time.slice(0, 8)
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    host: new URL(endpoint).host,
    'x-amz-date': time,
  }
  const signed = Object.keys(headers).join(';')
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}`)
  const canonical = ['POST', '/', '', ...lines, '', signed, sha256(body)].join('\n')
  const scope = [date, region, 'sts', 'aws4_request']
  const key = scope.reduce<string | Buffer>(hmac, `AWS4${secretAccessKey}`)
  const toSign = ['AWS4-HMAC-SHA256', time, scope.join('/'), sha256(canonical)].join('\n')
  const credential = `${accessKeyId}/${scope.join('/')}`
  const signature = hmac(key, toSign).toString('hex')
  const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${signed}, Signature=${signature}`
  const response = await fetch(endpoint, { method: 'POST', body, headers: { ...headers, authorization } })
  const answer = await response.text()
  const field = (name: string): string => {
    const [, text] = new RegExp(`<${name}>([^<]+)</${name}>`).exec(answer) ?? []
    if (text === undefined) throw new Error(`AssumeRole responded with HTTP ${response.status}: ${answer}`)
    return text
  }
  return {
    accessKeyId: field('AccessKeyId'),
    secretAccessKey: field('SecretAccessKey'),
    sessionToken: field('SessionToken'),
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
