import type { CompletedCommand, CompletedOption, Suggestion } from './described.ts'

/** Returns a script for fish, for `~/.config/fish/completions/holdfast.fish`. */
export function fishScript(
  commands: readonly CompletedCommand[],
  globals: readonly CompletedOption[],
): string {
  const none = `"not __fish_seen_subcommand_from ${commands.map(({ name }) => name).join(' ')}"`
  return [
    '# Completion of holdfast for fish. Load it: holdfast completion fish | source',
    'complete -c holdfast -f',
    ...globals.map((option) => `complete -c holdfast ${optionOf(option)}`),
    ...commands.flatMap(({ name, summary, options, argument }) => {
      const seen = `complete -c holdfast -n "__fish_seen_subcommand_from ${name}"`
      return [
        `complete -c holdfast -n ${none} -a ${name} -d ${quoted(summary)}`,
        ...options.map((option) => `${seen} ${optionOf(option)}`),
        ...(argument.kind === 'nothing' ? [] : [`${seen} ${valuesOf(argument)}`]),
      ]
    }),
    '',
  ].join('\n')
}

function optionOf({ name, short, description, value }: CompletedOption): string {
  const letter = short === undefined ? '' : ` -s ${short.slice(1)}`
  const values =
    value === undefined ? '' : value.kind === 'files' ? ' -r -F' : ` -x ${valuesOf(value)}`.trimEnd()
  return `-l ${name.slice(2)}${letter}${values} -d ${quoted(description)}`
}

function valuesOf(suggestion: Suggestion): string {
  if (suggestion.kind === 'words') return `-a ${quoted(suggestion.words.join(' '))}`
  return suggestion.kind === 'files' ? '-F' : ''
}

/** In single quotes, fish acts on backslashes and quotes only. */
function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`
}
