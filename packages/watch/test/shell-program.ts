/** Functions for programs of the shell that write checkpoints as numbered folders with a file DONE. */
const functions = `
out=$1
save() { mkdir -p "$out/step_$1"; echo "weights $1 \${2:-}" > "$out/step_$1/model.bin"; : > "$out/step_$1/DONE"; }
tear() { mkdir -p "$out/step_$1"; echo half > "$out/step_$1/model.bin"; }
last() { ls "$out" | sed -n 's/^step_//p' | sort -n | tail -n 1; }
hang() { sleep 1000 & wait $!; }
`

/** The layout of what `save` writes. */
export const shellLayout = { pattern: 'step_{step}/', completeWhen: 'DONE' } as const

/** Returns a command that runs a script of the shell. Its folder is the first argument. */
export function shell(folder: string, script: string): readonly string[] {
  return ['sh', '-c', `${functions}\n${script}`, 'sh', folder]
}
