import { Buffer } from 'node:buffer'
import { readFile } from 'node:fs/promises'
import { adapter } from '@holdfast/adapter-fs'
import { openStore } from '@holdfast/core'
import { NextResponse } from 'next/server'

/** Saves a checkpoint in a folder, restores it, and responds with what was restored. */
export async function POST(request) {
  const { folder, step, weights } = await request.json()
  const store = await openStore(`${folder}/store`, { adapters: [adapter], config: false })
  try {
    await store.save({ step, files: { 'model.bin': Buffer.from(weights) } })
    const { restored } = await store.restore('latest', { to: `${folder}/resume` })
    return NextResponse.json({ step, weights: await readFile(restored[0].path, 'utf8') })
  } finally {
    await store.close()
  }
}
