import type { CompletedCommand, CompletedOption, Suggestion } from './described.ts'

/** Returns a script for bash, which `source <(holdfast completion bash)` loads. Also works in the bash 3 of macOS. */
export function bashScript(
  commands: readonly CompletedCommand[],
  globals: readonly CompletedOption[],
): string {
  const all = [...globals, ...commands.flatMap(({ options }) => options)]
  const withFiles = namesOf(all.filter(({ value }) => value?.kind === 'files'))
  const withValue = namesOf(all.filter(({ value }) => value !== undefined && value.kind !== 'files'))
  const cases = commands.map(
    ({ name, options, argument }) =>
      `    ${name})\n      options=${list(namesOf([...globals, ...options]))}\n      ${argumentLine(argument)}\n      ;;`,
  )
  return `# Completion of holdfast for bash. Load it: source <(holdfast completion bash)
_holdfast() {
  local IFS=$'\\n'
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]}
  local command= options= words= files= index
  COMPREPLY=()
  for ((index = 1; index < COMP_CWORD; index++)); do
    case \${COMP_WORDS[index]} in
      ${[...withFiles, ...withValue].join('|')}) ((index++)) ;;
      -*) ;;
      *) command=\${COMP_WORDS[index]}; break ;;
    esac
  done
  case $previous in
    ${withFiles.join('|')}) COMPREPLY=($(compgen -f -- "$current")); return ;;
    ${withValue.join('|')}) return ;;
  esac
  case $command in
    '')
      options=${list(namesOf(globals))}
      words=${list([...commands.map(({ name }) => name), 'help'])}
      ;;
    help)
      words=${list(commands.map(({ name }) => name))}
      ;;
${cases.join('\n')}
  esac
  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$current"))
  elif [[ -n $words ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$current"))
  elif [[ -n $files ]]; then
    COMPREPLY=($(compgen -f -- "$current"))
  fi
}
complete -o filenames -F _holdfast holdfast
`
}

function argumentLine(argument: Suggestion): string {
  if (argument.kind === 'words') return `words=${list(argument.words)}`
  return argument.kind === 'files' ? 'files=yes' : ':'
}

function namesOf(options: readonly CompletedOption[]): readonly string[] {
  return [...new Set(options.flatMap(({ name, short }) => (short === undefined ? [name] : [short, name])))]
}

/** The names have no characters that bash would act on within these quotes. */
function list(names: readonly string[]): string {
  return `$'${names.join('\\n')}'`
}
