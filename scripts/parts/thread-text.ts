import { type Plugin, rolldown } from 'rolldown'

/** Returns the text of the code of a thread, with all that it imports. `input` is the path of its module. */
export async function threadText(input: string, plugins: readonly Plugin[] = []): Promise<string> {
  const thread = await rolldown({ input, platform: 'node', plugins: [...plugins] })
  const { output } = await thread.generate({ format: 'cjs', minify: true })
  await thread.close()
  return output[0].code
}
