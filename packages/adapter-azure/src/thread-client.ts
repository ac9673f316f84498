import type { IHttpClient, WebResource } from '@azure/storage-blob'
import { directRequest, type Sender, type UploadRequest } from '@holdfast/core/connections'

/** Returns a client of HTTP for the SDK, by which other threads send the requests that the SDK has signed. */
export function threadClient(sender: Sender): IHttpClient {
  return {
    async sendRequest(request) {
      const { abortSignal: signal } = request
      const upload = uploadOf(request)
      const { status, headers, body } = await sender.send(
        upload,
        signal instanceof AbortSignal ? signal : undefined,
      )
      return {
        request,
        status,
        headers: headersOf(request, headers),
        bodyAsText: Buffer.from(body).toString(),
      }
    },
  }
}

/** Reads a request of the SDK. Only Put Block is sent by this client, so the body is bytes. */
function uploadOf({ method, url, headers, body }: WebResource): UploadRequest {
  const request = directRequest(new URL(url), headers.toJson({ preserveCase: true }))
  if (request === undefined || !(body instanceof Uint8Array))
    throw new Error('The SDK prepared a request without bytes, which another thread cannot send.')
  return { ...request, method, body }
}

/** The SDK exports no class of headers, so those of the request are copied and replaced. */
function headersOf(
  request: WebResource,
  headers: Readonly<Record<string, string>>,
): ReturnType<WebResource['headers']['clone']> {
  const copy = request.headers.clone()
  for (const name of copy.headerNames()) copy.remove(name)
  for (const [name, value] of Object.entries(headers)) copy.set(name, value)
  return copy
}
