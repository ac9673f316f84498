import type { CompletedCommand, CompletedOption, Suggestion } from './described.ts'

/** Returns a script for zsh. It works as a file `_holdfast` in `fpath`, and with `source <(holdfast completion zsh)`. */
export function zshScript(
  commands: readonly CompletedCommand[],
  globals: readonly CompletedOption[],
): string {
  const described = commands.map(
    ({ name, summary }) => `    ${quoted(`${name}:${summary.replaceAll(':', '\\:')}`)}`,
  )
  const cases = commands.map(({ name, options, argument }) => {
    const specs = [...globals, ...options].flatMap(specsOf)
    return `        ${name})\n          _arguments ${[...specs, argumentSpec(argument)].join(' \\\n            ')}\n          ;;`
  })
  return `#compdef holdfast
# Completion of holdfast for zsh. Load it: source <(holdfast completion zsh)
_holdfast() {
  local context state state_descr line
  typeset -A opt_args
  local -a commands
  commands=(
${described.join('\n')}
  )
  _arguments -C ${globals.flatMap(specsOf).join(' \\\n    ')} \\
    '1: :->command' '*:: :->rest'
  case $state in
    command) _describe command commands ;;
    rest)
      case $words[1] in
${cases.join('\n')}
      esac
      ;;
  esac
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _holdfast "$@"
else
  compdef _holdfast holdfast
fi
`
}

function specsOf({ name, short, description, value }: CompletedOption): readonly string[] {
  const text = `[${description.replace(/[\\[\]:]/g, '\\$&')}]${value === undefined ? '' : `: :${actionOf(value)}`}`
  return [name, ...(short === undefined ? [] : [short])].map((each) => quoted(`*${each}${text}`))
}

function argumentSpec(argument: Suggestion): string {
  return quoted(`*: :${actionOf(argument)}`)
}

function actionOf(suggestion: Suggestion): string {
  if (suggestion.kind === 'words') return `(${suggestion.words.join(' ')})`
  return suggestion.kind === 'files' ? '_files' : ' '
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
