import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { environment, main, type Outcome } from './holdfast.ts'

/** Runs lines of shell in a mount namespace of their own, in which `h` is the command line on the store `m/store`. */
async function inNamespace(lines: string): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-full-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const script = `set -u; h() { ${process.execPath} ${main} -s m/store "$@"; }; mkdir m; ${lines}`
  return new Promise((resolve) => {
    execFile(
      'unshare',
      ['-m', 'bash', '-c', script],
      { cwd: folder, env: environment() },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : (error.code ?? null), stdout, stderr })
      },
    )
  })
}

const mayMount = (await inNamespaceProbe()) === 0

async function inNamespaceProbe(): Promise<number> {
  return new Promise((resolve) => {
    execFile('unshare', ['-m', 'mount', '-t', 'tmpfs', 'none', tmpdir()], (error) => {
      resolve(error === null ? 0 : 1)
    })
  })
}

test.skipIf(!mayMount)('removes a checkpoint from a disk without a free byte', async () => {
  const { stdout } = await inNamespace(`
    mount -t tmpfs -o size=4m none m; head -c 400K /dev/urandom > w.bin
    for step in 1 2 3; do h save w.bin --step $step > out; done
    cat /dev/zero > m/ballast 2> errors
    h save w.bin --step 4 > out 2>&1; echo save: $?
    h rm 1; echo rm: $?
    h prune --keep-last 1; echo prune: $?
  `)
  expect(stdout).toContain('save: 8\n')
  expect(stdout).toContain('rm: 0\n')
  expect(stdout).toMatch(/dropped step 2 .*\n(.*\n)*prune: 0\n$/)
})

test.skipIf(!mayMount)(
  'removes unfinished saves before it drops a good checkpoint, if it may make room',
  async () => {
    const { stdout } = await inNamespace(`
    mount -t tmpfs -o size=8m none m; head -c 2M /dev/urandom > w.bin
    for step in 1 2; do h save w.bin --step $step > out; done
    mkdir -p m/store/data/3-2-00000000000000aa; cp w.bin m/store/data/3-2-00000000000000aa/.holdfast-tmp-0123456789abcdef
    h save w.bin --step 3 2>&1; echo save: $?
    h sweep; echo sweep: $?
    h save w.bin --step 3 --make-room; echo save: $?
    h ls --json
  `)
    expect(stdout).toMatch(
      /1 unfinished save of other writers takes 2\.1 MB, kept .* If no other writer runs, .*\nsave: 8\n/,
    )
    expect(stdout).toMatch(
      /1 unfinished save · 2\.1 MB · kept until \d{4}-.*, because its writer may still run.*\nsweep: 0\n/,
    )
    expect(stdout).toMatch(
      /\nsweep: 0\nremoved 1 unfinished save · 2\.1 MB freed\nsaved step 3 .*\nsave: 0\n/,
    )
    expect(stdout.match(/"type":"checkpoint"/g)).toHaveLength(3)
  },
)
