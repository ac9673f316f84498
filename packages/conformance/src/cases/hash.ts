import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { Crc32c, Crc64Nvme, type DigestAlgorithm, type ObjectHash } from '@holdfast/core/backend'
import { oddChunks, patterned, sha256 } from '../bytes.ts'
import type { Case } from '../subject.ts'

const digests: Readonly<Record<DigestAlgorithm, (bytes: Uint8Array) => string>> = {
  sha256,
  md5: (bytes) => createHash('md5').update(bytes).digest('hex'),
  crc32: (bytes) => hexadecimal(crc32(bytes), 8),
  crc32c: (bytes) => hexadecimal(new Crc32c().update(bytes).value, 8),
  crc64nvme: (bytes) => hexadecimal(new Crc64Nvme().update(bytes).value, 16),
}

function hexadecimal(value: number | bigint, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}

function assertDigestOf({ algorithm, value }: ObjectHash, bytes: Uint8Array): void {
  assert.equal(
    value,
    digests[algorithm](bytes),
    `the ${algorithm} does not match the ${bytes.byteLength} stored bytes`,
  )
}

export const hashCases: readonly Case[] = [
  {
    name: 'hash returns the origin of the digest, and a SHA-256 matches the stored bytes',
    async run(backend, { partBytes }) {
      const bytes = patterned(partBytes + 1)
      await backend.put('hashed', bytes)
      const { algorithm, value, origin } = await backend.hash('hashed')
      assert.match(value, /^[0-9a-f]+$/)
      assert.ok(['store', 'writer', 'computed'].includes(origin))
      if (algorithm === 'sha256') assert.equal(value, sha256(bytes))
    },
  },
  {
    name: 'hash and put return digests that match the stored bytes by the named algorithm',
    async run(backend, { partBytes }) {
      for (const size of [0, 1, partBytes, partBytes + 1, 3 * partBytes]) {
        const bytes = patterned(size)
        const { storeDigest } = await backend.put(`known/${size}`, oddChunks(bytes))
        if (storeDigest !== undefined) assertDigestOf(storeDigest, bytes)
        assertDigestOf(await backend.hash(`known/${size}`), bytes)
      }
      await backend.commit('committed', patterned(100))
      assertDigestOf(await backend.hash('committed'), patterned(100))
    },
  },
]
