/** The program as tests start it: built once for all of them, from the sources as they are. */
import { execFileSync } from 'node:child_process'
import { resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '..')
const FOLDER = resolve(ROOT, '.program')

/** What `node` is given. */
export const MAIN: string = resolve(FOLDER, 'main.js')

/** For the runner: before the first test. */
export function setup(): void {
  const rolldown = resolve(ROOT, 'node_modules/rolldown/bin/cli.mjs')
  execFileSync(process.execPath, [rolldown, '-c', 'rolldown.config.ts', '-d', FOLDER], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}
