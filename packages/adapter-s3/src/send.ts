import { Readable } from 'node:stream'
import type {
  $Command,
  S3ClientResolvedConfig,
  ServiceInputTypes,
  ServiceOutputTypes,
} from '@aws-sdk/client-s3'
import {
  fieldOf,
  foreignAnswer,
  isHtml,
  type MinimumProgress,
  numberFieldOf,
  readAnswer,
  type RequestInfo,
  ResponseLimit,
  stringFieldOf,
} from '@holdfast/core/backend'
import type { Bucket } from './bucket.ts'
import type { SendDirectly } from './direct.ts'
import { redirectOf } from './redirect.ts'
import { noteTime } from './response-time.ts'

/** The expected body of a successful response. */
export type Expected =
  /** An empty body. */
  | 'no body'
  /** The bytes of an object. */
  | 'object'
  /** An XML document with this root. */
  | { readonly root: string; readonly progress?: MinimumProgress }

/** The slowest upload through a client that may wait without a limit for a server that is silent. */
const byReadyMadeClient: MinimumProgress = { bytes: 64_000, within: 1000 }

/** A command of the SDK. */
type S3Command<Input extends ServiceInputTypes, Output extends ServiceOutputTypes> = $Command<
  Input,
  Output,
  S3ClientResolvedConfig,
  ServiceInputTypes,
  ServiceOutputTypes
>

/** How a request is sent. */
interface Sender extends Pick<Bucket, 'client' | 'progress' | 'endsSilence'> {
  /** Sends the signed request instead of the client, if possible. */
  readonly directly?: SendDirectly | undefined
}

/**
 * Sends one request without retrying, and rejects with what the SDK throws. Rejects with `UNAVAILABLE` if the response
 * is not one of S3, arrives too slowly, or is too large. By itself, the SDK takes any document for an empty list, reads
 * responses of any size into memory, and waits as long as bytes arrive. Rejects with `Redirected` for a read that the store
 * redirects.
 */
export async function send<Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
  { client, progress, endsSilence, directly }: Sender,
  info: RequestInfo,
  expected: Expected,
  command: S3Command<Input, Output>,
  signal?: AbortSignal,
): Promise<Output> {
  let response: unknown
  const bodyBytes = numberFieldOf(command.input, 'ContentLength') ?? 0
  const limit = new ResponseLimit(bodyBytes, endsSilence ? progress : byReadyMadeClient)
  const signals = signal === undefined ? limit.signal : AbortSignal.any([signal, limit.signal])
  command.middlewareStack.add(
    (next) => async (args) => {
      const answer = await directly?.(args.request, signals)
      const result = answer === undefined ? await next(args) : { response: answer }
      limit.end()
      const redirected = expected === 'object' ? redirectOf(info, args.request, result.response) : undefined
      if (redirected !== undefined) throw redirected
      await checkAnswer(result.response, info, expected, progress)
      response = result.response
      return result
    },
    { step: 'deserialize', name: 'holdfastAnswer', priority: 'low' },
  )
  try {
    const output = await client.send(command, { abortSignal: signals })
    noteTime(output, response)
    return output
  } catch (error) {
    throw limit.signal.aborted ? limit.signal.reason : error
  } finally {
    limit.end()
  }
}

/** Checks a response. A small body is read, and replaced by a stream of the bytes. */
async function checkAnswer(
  response: unknown,
  info: RequestInfo,
  expected: Expected,
  progress: MinimumProgress | undefined,
): Promise<void> {
  if (!isResponse(response)) return
  const { statusCode: status, headers, body } = response
  const isSuccess = status >= 200 && status < 300
  const isOurs = headers['x-amz-request-id'] !== undefined
  if (isHtml(headers['content-type']) && !isOurs && status < 500) {
    if (body instanceof Readable) body.destroy()
    throw foreignAnswer(info, `it is a web page (HTTP ${status})`)
  }
  if (!(body instanceof Readable) || (isSuccess && expected === 'object')) return
  const bytes = await readAnswer(
    body,
    info,
    typeof expected === 'object' ? (expected.progress ?? progress) : progress,
  )
  if (isSuccess) {
    const fault = faultOf(bytes, expected)
    if (fault !== undefined) throw foreignAnswer(info, fault)
  }
  response.body = Readable.from([bytes])
}

function faultOf(bytes: Buffer, expected: Expected): string | undefined {
  if (typeof expected === 'string')
    return bytes.byteLength === 0
      ? undefined
      : `it has a body of ${bytes.byteLength} bytes, but should have none`
  const text = bytes.toString().trim()
  // A request can fail after its response has begun: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html. The SDK throws this error.
  return [expected.root, 'Error'].some((root) => isDocument(text, root))
    ? undefined
    : `it is not a complete ${expected.root}`
}

/** Returns whether a text is one complete XML document with this root. */
function isDocument(text: string, root: string): boolean {
  const [, prefix = '', rest = ''] =
    new RegExp(`^\\ufeff?(?:<\\?xml[^>]*\\?>)?\\s*<(\\w+:)?${root}((?:[\\s/][^>]*)?>.*)$`, 's').exec(text) ??
    []
  return rest.endsWith(`</${prefix}${root}>`) || /^[^>]*\/>$/.test(rest)
}

interface Response {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>
  body: unknown
}

function isResponse(value: unknown): value is Response {
  return numberFieldOf(value, 'statusCode') !== undefined && fieldOf(value, 'headers') !== undefined
}

/** Returns a header of a response; `undefined` if it is absent. */
export function headerOf(response: unknown, name: string): string | undefined {
  return stringFieldOf(fieldOf(response, 'headers'), name)
}
