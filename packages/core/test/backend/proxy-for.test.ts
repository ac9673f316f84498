import { expect, test } from 'vitest'
import { proxyFor } from '../../src/backend/proxies/proxy-for.ts'

const target = { protocol: 'https:', host: 'bucket.s3.example.com', port: 443 } as const
const https_proxy = 'http://proxy:3128'

test.each([
  [{}, undefined],
  [{ HTTPS_PROXY: '' }, undefined],
  [{ http_proxy: https_proxy }, undefined],
  [{ https_proxy }, 'http://proxy:3128/'],
  [{ HTTPS_PROXY: https_proxy }, 'http://proxy:3128/'],
  [{ https_proxy: '', HTTPS_PROXY: https_proxy }, 'http://proxy:3128/'],
  [{ https_proxy: 'http://lower', HTTPS_PROXY: 'http://upper' }, 'http://lower/'],
  [{ ALL_PROXY: 'https://all' }, 'https://all/'],
  [{ https_proxy: 'proxy.example.com:3128' }, 'http://proxy.example.com:3128/'],
  [{ https_proxy: 'http://user:pass@proxy' }, 'http://user:pass@proxy/'],
])('with %j the proxy is %s', (variables, proxy) => {
  expect(proxyFor(target, variables)?.href).toBe(proxy)
})

test('uses a separate proxy for http: endpoints', () => {
  const plain = { ...target, protocol: 'http:' } as const
  expect(proxyFor(plain, { https_proxy })).toBeUndefined()
  expect(proxyFor(plain, { HTTP_PROXY: https_proxy })?.host).toBe('proxy:3128')
})

test.each([
  ['*', 'a.b', 443, true],
  ['example.com', 'example.com', 443, true],
  ['example.com', 'bucket.s3.example.com', 443, true],
  ['.example.com', 'bucket.example.com', 443, true],
  ['*.example.com', 'bucket.example.com', 443, true],
  ['EXAMPLE.com.', 'Bucket.Example.COM', 443, true],
  ['example.com', 'badexample.com', 443, false],
  ['other.com, example.com', 'example.com', 443, true],
  ['other.com example.com', 'example.com', 443, true],
  ['other.com', 'example.com', 443, false],
  ['example.com:9000', 'example.com', 9000, true],
  ['example.com:9000', 'example.com', 443, false],
  ['10.0.0.0/8', '10.1.2.3', 443, true],
  ['10.0.0.0/8', '11.1.2.3', 443, false],
  ['127.0.0.1', '127.0.0.1', 443, true],
  ['127.0.0.1:9000', '127.0.0.1', 9000, true],
  ['127.0.0.1:9000', '127.0.0.1', 443, false],
  ['::1', '::1', 443, true],
  ['[::1]:9000', '::1', 9000, true],
  ['fd00::/8', 'fd12::1', 443, true],
  ['10.0.0.0/99', '10.1.2.3', 443, false],
  ['1', '127.0.0.1', 443, false],
  [', ,', 'example.com', 443, false],
])('NO_PROXY=%s exempts %s:%i: %s', (no_proxy, host, port, isExempt) => {
  expect(proxyFor({ protocol: 'https:', host, port }, { https_proxy, no_proxy }) === undefined).toBe(isExempt)
})

test.each(['socks5://user:PASS@proxy', 'http://user:PASS@[', 'ftp://proxy'])(
  'rejects %s without repeating its password',
  (proxy) => {
    expect(() => proxyFor(target, { https_proxy: proxy })).toThrow(/^HTTPS_PROXY (?!.*PASS)/)
  },
)
