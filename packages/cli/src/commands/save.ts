import { basename, resolve } from 'node:path'
import { type FileContent, formatSize, HoldfastError } from '@holdfast/core'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { formatDuration, joined, shortDigest } from '../output/text.ts'
import { type GlobalOptions, withStore } from '../with-store.ts'
import { standardInput } from '../standard-input.ts'
import { metadataOf, readDataState } from './json-values.ts'

interface SaveOptions extends GlobalOptions {
  readonly step: number
  readonly epoch?: number
  readonly metric?: Readonly<Record<string, number>>
  readonly tag?: readonly string[]
  readonly meta?: Readonly<Record<string, string>>
  readonly dataState?: string
  readonly name: string
  readonly exclude?: readonly string[]
  readonly replace?: boolean
  readonly allowBest?: boolean
}

export async function save(
  paths: readonly string[],
  options: SaveOptions,
  signal: AbortSignal,
): Promise<ExitCode> {
  return withStore(options, signal, async ({ store, printer, progress }) => {
    const { step, epoch, metric, tag, meta, dataState, replace = false, allowBest } = options
    const bar = await progress(`saving step ${step}`)
    try {
      const saved = await store.save({
        step,
        epoch,
        files: await filesByName(paths, options.name, signal),
        exclude: options.exclude,
        metrics: metric,
        tags: tag,
        metadata: meta === undefined ? undefined : metadataOf(meta),
        dataState: dataState === undefined ? undefined : await readDataState(dataState),
        onExisting: replace ? 'replace' : 'fail',
        allowBest,
        signal,
        onProgress: ({ bytes, total }) => {
          bar.update(bytes, total)
        },
      })
      bar.stop()
      const [only, ...others] = saved.files
      printer.line(
        joined(
          `saved step ${step}`,
          `${formatSize(saved.bytes)} in ${formatDuration(saved.duration)}`,
          only !== undefined && others.length === 0
            ? `sha256 ${shortDigest(only.sha256)}`
            : `${saved.fileCount} files`,
          saved.bestOf.length > 0 && `best ${saved.bestOf.join(', ')}`,
        ),
      )
      for (const warning of saved.warnings) printer.note(warning)
      for (const dropped of saved.dropped)
        printer.line(joined(`dropped step ${dropped.step}`, dropped.because))
      printer.data({ type: 'result', command: 'save', ...saved })
      return exitCodes.done
    } finally {
      bar.stop()
    }
  })
}

async function filesByName(
  paths: readonly string[],
  nameOfInput: string,
  signal: AbortSignal,
): Promise<Readonly<Record<string, FileContent>>> {
  const files = new Map<string, string>()
  for (const path of paths) {
    const name = path === '-' ? nameOfInput : basename(resolve(path))
    if (files.has(name)) {
      throw new HoldfastError(
        'INVALID_ARGUMENT',
        `Two of the files are called ${name}. Save the folder that holds them, or rename one.`,
      )
    }
    files.set(name, path)
  }
  const contents: [string, FileContent][] = []
  for (const [name, path] of files) contents.push([name, path === '-' ? await standardInput(signal) : path])
  return Object.fromEntries(contents)
}
