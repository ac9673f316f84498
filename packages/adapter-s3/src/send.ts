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
  stringFieldOf,
} from '@holdfast/core/backend'
import type { Bucket } from './bucket.ts'
import { noteTime } from './response-time.ts'

/** What a successful answer to a request consists of, beside its headers. */
export type Expected =
  /** Nothing: the headers say it all. */
  | 'no body'
  /** The bytes of an object. */
  | 'object'
  /** An XML document with this root. */
  | { readonly root: string; readonly progress?: MinimumProgress }

/** Milliseconds in which the head of an answer must come, beside the time that the bytes of the request may take. */
const longestSilence = 60_000

/** Bytes a millisecond: a network that is slower than this is taken for a broken one. */
const slowestUpload = 64

/** A command of the SDK, as its client takes it. */
type S3Command<Input extends ServiceInputTypes, Output extends ServiceOutputTypes> = $Command<
  Input,
  Output,
  S3ClientResolvedConfig,
  ServiceInputTypes,
  ServiceOutputTypes
>

/**
 * Makes one request once, and rejects with what the SDK throws; or with `UNAVAILABLE` when the answer is none that S3
 * gives, comes too slowly, or has no end. The SDK takes any document for a list without objects, reads answers of any
 * size into memory, and waits for as long as bytes come.
 */
export async function send<Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
  { client, progress }: Pick<Bucket, 'client' | 'progress'>,
  asked: RequestInfo,
  expected: Expected,
  command: S3Command<Input, Output>,
  signal?: AbortSignal,
): Promise<Output> {
  const late = new AbortController()
  let response: unknown
  const limit =
    longestSilence + Math.ceil((numberFieldOf(command.input, 'ContentLength') ?? 0) / slowestUpload)
  const timer = setTimeout(() => {
    late.abort(new DOMException(`There was no answer for ${limit} ms`, 'TimeoutError'))
  }, limit)
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args)
      clearTimeout(timer)
      await checkAnswer(result.response, asked, expected, progress)
      response = result.response
      return result
    },
    { step: 'deserialize', name: 'holdfastAnswer', priority: 'low' },
  )
  try {
    const signals = signal === undefined ? late.signal : AbortSignal.any([signal, late.signal])
    const output = await client.send(command, { abortSignal: signals })
    noteTime(output, response)
    return output
  } catch (error) {
    throw late.signal.aborted ? late.signal.reason : error
  } finally {
    clearTimeout(timer)
  }
}

/** Replaces the body of an answer that is small by one that has been read. */
async function checkAnswer(
  response: unknown,
  asked: RequestInfo,
  expected: Expected,
  progress: MinimumProgress | undefined,
): Promise<void> {
  if (!isResponse(response)) return
  const { statusCode: status, headers, body } = response
  const isSuccess = status >= 200 && status < 300
  const isOurs = headers['x-amz-request-id'] !== undefined
  if (isHtml(headers['content-type']) && !isOurs && status < 500) {
    if (body instanceof Readable) body.destroy()
    throw foreignAnswer(asked, `it is a web page (HTTP ${status})`)
  }
  if (!(body instanceof Readable) || (isSuccess && expected === 'object')) return
  const bytes = await readAnswer(
    body,
    asked,
    typeof expected === 'object' ? (expected.progress ?? progress) : progress,
  )
  if (isSuccess) {
    const fault = faultOf(bytes, expected)
    if (fault !== undefined) throw foreignAnswer(asked, fault)
  }
  response.body = Readable.from([bytes])
}

function faultOf(bytes: Buffer, expected: Expected): string | undefined {
  if (typeof expected === 'string')
    return bytes.byteLength === 0
      ? undefined
      : `it has a body of ${bytes.byteLength} bytes, and should have none`
  const text = bytes.toString().trim()
  // A request that failed after the answer to it had begun; the SDK throws it.
  return [expected.root, 'Error'].some((root) => isDocument(text, root))
    ? undefined
    : `it is no whole ${expected.root}`
}

/** Whether a text is one XML document with this root, from its beginning to its end. */
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

/** The header of the answer that tells the store's time, and the one that tells its kind. */
export function headerOf(response: unknown, name: string): string | undefined {
  return stringFieldOf(fieldOf(response, 'headers'), name)
}
