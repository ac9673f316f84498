import type { ErrorHint } from '@holdfast/core'

/** Returns a hint in the options of the command line. */
export function phraseHint(hint: ErrorHint): string {
  switch (hint.kind) {
    case 'choose-config':
      return 'Pass --config FILE to trust one file, or --no-config to use none.'
    case 'exclude':
      return `Pass --exclude ${shellQuoted(globOf(hint.name))}, or list it in .holdfastignore.`
    case 'name-adapter':
      return `Pass --adapter ${hint.package ?? 'PACKAGE'} to load ${hint.package === undefined ? 'an adapter' : 'it'} from the working folder.`
    case 'replace':
      return 'Pass --replace to replace it.'
    case 'allow-best':
      return 'Pass --allow-best to allow it.'
    case 'forget-objective':
      return `Pass --forget-objective ${hint.name} to forget the recorded one first.`
  }
}

function shellQuoted(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

/** Returns a pattern that matches only this name. */
function globOf(name: string): string {
  return name.replace(/[\\*?[\]{}()!+@|]/g, '\\$&')
}
