import { dashed } from '../declare/to-commander.ts'
import type { DescribedCommand } from '../declare/command.ts'
import type { ArgumentDeclarations, OptionDeclarations } from '../declare/declaration.ts'
import { ownMember } from '../own-member.ts'

/** The values that a shell suggests: these words, files, or nothing. */
export type Suggestion =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'files' | 'nothing' }

/** One option as a shell sees it. */
export interface CompletedOption {
  /** With its dashes, such as `--keep-last`. */
  readonly name: string
  /** Such as `-s`. */
  readonly short: string | undefined
  readonly description: string
  /** Absent for a flag. */
  readonly value: Suggestion | undefined
}

export interface CompletedCommand {
  readonly name: string
  readonly summary: string
  readonly options: readonly CompletedOption[]
  /** What the arguments of the command can be. */
  readonly argument: Suggestion
}

/** Returns what a shell suggests for a command. */
export function completed({
  name,
  summary,
  arguments: declared,
  options,
}: DescribedCommand): CompletedCommand {
  return { name, summary, options: completedOptions(options), argument: argumentOf(declared) }
}

export function completedOptions(options: OptionDeclarations): readonly CompletedOption[] {
  return Object.entries(options).flatMap(
    ([name, { description, placeholder, short, isHidden, negation }]) => {
      if (isHidden === true) return []
      const value = placeholder === undefined ? undefined : suggestionFor(placeholder)
      const option = {
        name: `--${dashed(name)}`,
        short: short === undefined ? undefined : `-${short}`,
        description,
        value,
      }
      const negated = {
        name: `--no-${dashed(name)}`,
        short: undefined,
        description: negation ?? '',
        value: undefined,
      }
      return negation === undefined ? [option] : [option, negated]
    },
  )
}

const nothing: Suggestion = { kind: 'nothing' }

/** All arguments together, because a shell cannot know which of them a word is. */
function argumentOf(declared: ArgumentDeclarations): Suggestion {
  const suggestions = declared.map(({ syntax }) => suggestionFor(syntax))
  const words = suggestions.flatMap((each) => (each.kind === 'words' ? each.words : []))
  if (words.length > 0) return { kind: 'words', words: [...new Set(words)] }
  return suggestions.find(({ kind }) => kind === 'files') ?? nothing
}

/** Placeholders of files, folders and stores. */
const ofFiles = new Set(['file', 'folder', 'url', 'csv', 'prefix', 'from', 'to', 'output', 'json|@file'])

const ofWords: Readonly<Record<string, readonly string[]>> = {
  checkpoint: ['latest', 'best'],
  before: ['latest', 'best'],
  after: ['latest', 'best'],
  shell: ['bash', 'zsh', 'fish'],
}

/** Chooses by a placeholder such as `<file...>`. */
function suggestionFor(placeholder: string): Suggestion {
  const name = placeholder.replace(/^[<[]|(\.\.\.)?[>\]]$/g, '')
  const words = ownMember(ofWords, name)
  if (words !== undefined) return { kind: 'words', words }
  return ofFiles.has(name) ? { kind: 'files' } : nothing
}
