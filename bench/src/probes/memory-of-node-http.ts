/**
 * Downloads an object with `node:http` alone, and prints by how many bytes this raised the peak of resident memory.
 */
import { readFile } from 'node:fs/promises'
import type { DownloadRequest, ProbeReport } from '../groups/memory.ts'
import { downloadByNodeHttp } from '../peers/node-http.ts'
import { raisedBy } from './peak.ts'

const { url, to } = JSON.parse(await readFile(process.argv[2] ?? '', 'utf8')) as DownloadRequest
const raised = await raisedBy(() => downloadByNodeHttp(url, to))
process.stdout.write(JSON.stringify({ raised } satisfies ProbeReport))
