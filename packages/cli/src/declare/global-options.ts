import { parseCount, parseLimit, parseObjective } from '../parsing/arguments.ts'
import { flag, gather, negatableOption, option, type OptionsOf, text } from './declaration.ts'

/** Options that every command takes. */
export const globalOptions = {
  store: {
    ...option('<url>', 'path or URL (default: HOLDFAST_STORE, then the configuration file)', text),
    short: 's',
  },
  config: negatableOption(
    '<file>',
    'use and trust this configuration file',
    'use no configuration file',
    text,
  ),
  adapter: option('<package>', 'load an adapter from the working folder; may be repeated', gather),
  json: flag('print JSON, one object per line, the result last'),
  job: option('<name>', 'belong to this job, which owns the store (default: HOLDFAST_JOB)', text),
  takeOver: flag('take the store from another writer or job, and end its saves'),
  mirror: negatableOption(
    '<url>',
    'copy what is saved to this second store, and restore from it if it is ahead',
    'use no mirror, whatever the configuration says',
    text,
  ),
  takeOverMirror: flag('take the mirror from another store, which can then copy nothing more to it'),
  limitUpload: negatableOption(
    '<rate>',
    'send at most this much of the checkpoints, such as 200MB/s',
    'send without a limit, whatever the configuration says',
    parseLimit,
  ),
  limitDownload: negatableOption(
    '<rate>',
    'read at most this much of the checkpoints, such as 200MB/s',
    'read without a limit, whatever the configuration says',
    parseLimit,
  ),
  threads: option('<count>', 'transfer large files on this many threads', parseCount),
  objective: option('<name=metric:min|max>', 'define what "best" means; may be repeated', parseObjective),
  forgetObjective: option(
    '<name>',
    'first remove an objective that the store records; may be repeated',
    gather,
  ),
}

export type GlobalOptions = OptionsOf<typeof globalOptions>
