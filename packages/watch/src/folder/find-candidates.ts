import type { Dirent } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fromNodeError, nodeErrorCode } from '@holdfast/core/backend'
import type { NameFacts } from '../names/name-facts.ts'
import { matchSegment, type Pattern } from './pattern.ts'

/** A place that a pattern matches. */
export interface Candidate {
  /** Its path below the watched folder, with `/` between parts. */
  readonly name: string
  readonly path: string
  readonly isFolder: boolean
  readonly captured: NameFacts
}

export interface Found {
  readonly candidates: readonly Candidate[]
  /** Every folder in which a candidate can appear. */
  readonly folders: readonly string[]
}

interface Place {
  readonly name: string
  readonly path: string
  readonly captured: NameFacts
}

/**
 * Returns everything below a folder that matches a pattern, each once, by name. A link is not a candidate, because it
 * only repeats one. A missing folder has no candidates.
 */
export async function findCandidates(folder: string, patterns: readonly Pattern[]): Promise<Found> {
  const candidates = new Map<string, Candidate>()
  const folders = new Set([folder])
  for (const pattern of patterns) {
    let places: readonly Place[] = [{ name: '', path: folder, captured: { metrics: {} } }]
    for (const [index, segment] of pattern.segments.entries()) {
      const isLast = index === pattern.segments.length - 1
      const next: Place[] = []
      for (const place of places) {
        folders.add(place.path)
        for (const entry of await entriesOf(place.path)) {
          const facts = matchSegment(segment, entry.name)
          if (facts === undefined) continue
          const child = childOf(place, entry.name, facts)
          if (isLast ? isKind(entry, pattern.isFolder) : await isFolderAt(entry, child.path)) next.push(child)
        }
      }
      places = next
    }
    for (const place of places) {
      if (!candidates.has(place.name)) candidates.set(place.name, { ...place, isFolder: pattern.isFolder })
    }
  }
  return { candidates: [...candidates.values()], folders: [...folders] }
}

function childOf(place: Place, name: string, facts: NameFacts): Place {
  return {
    name: place.name === '' ? name : `${place.name}/${name}`,
    path: join(place.path, name),
    captured: {
      step: facts.step ?? place.captured.step,
      epoch: facts.epoch ?? place.captured.epoch,
      metrics: { ...place.captured.metrics, ...facts.metrics },
    },
  }
}

function isKind(entry: Dirent, isFolder: boolean): boolean {
  return isFolder ? entry.isDirectory() : entry.isFile()
}

/** Follows links on the way to a candidate, because a trainer may write to another disk. */
async function isFolderAt(entry: Dirent, path: string): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isDirectory()
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    if (isGone(error)) return false
    throw fromNodeError(error, `reading ${path}`)
  }
}

async function entriesOf(folder: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true })
  } catch (error) {
    if (isGone(error)) return []
    throw fromNodeError(error, `reading ${folder}`)
  }
}

/** Trainers delete files at any time. */
export function isGone(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ELOOP', 'ESTALE'].includes(nodeErrorCode(error) ?? '')
}
