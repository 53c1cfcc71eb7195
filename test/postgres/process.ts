/** One postmaster: started, waited for, signalled, and never left behind, whatever becomes of the runner. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import type { Binaries } from './binaries.ts'

/**
 * Starts the server, says its process id, and takes it down when standard input ends: that is when the runner ends,
 * even by SIGKILL.
 */
const KEEPER = `
exec 3<&0
"$@" 3<&- </dev/null & pid=$!
echo $pid
(cat <&3 >/dev/null; kill -QUIT $pid 2>/dev/null) &
exec 3<&-
wait $pid
`

const READY = /ready to accept (read-only |read only )?connections/
const LOG_LINES = 200

export class Postmaster {
  readonly pid: number
  readonly #keeper: ChildProcess
  readonly #ended: Promise<void>
  readonly #log: string[]

  private constructor(keeper: ChildProcess, pid: number, log: string[]) {
    this.#keeper = keeper
    this.pid = pid
    this.#log = log
    this.#ended = new Promise((resolve) => {
      if (keeper.exitCode !== null) resolve()
      keeper.once('exit', () => resolve())
    })
  }

  /** @throws Error with the end of the server's log where it does not come up. */
  static start({ postgres, servant }: Binaries, args: readonly string[]): Promise<Postmaster> {
    return new Promise((resolve, reject) => {
      const env = { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' }
      const keeper = spawn('sh', ['-c', KEEPER, 'sh', postgres, ...args], { cwd: '/', env, stdio: 'pipe', ...servant })
      const log: string[] = []
      let pid = 0
      keeper.stdin.on('error', () => undefined)
      keeper.stdout.once('data', (text: Buffer) => {
        pid = Number(text.toString().trim())
      })
      keeper.stderr.setEncoding('utf8').on('data', (text: string) => {
        log.push(...text.trimEnd().split('\n'))
        log.splice(0, log.length - LOG_LINES)
        if (READY.test(text)) resolve(new Postmaster(keeper, pid, log))
      })
      keeper.on('error', reject)
      keeper.on('exit', () => {
        keeper.stdin.end()
        reject(new Error(`PostgreSQL did not start:\n${log.join('\n')}`))
      })
    })
  }

  get running(): boolean {
    return this.#keeper.exitCode === null && this.#keeper.signalCode === null
  }

  /** The newest lines that the server wrote. */
  get log(): readonly string[] {
    return this.#log
  }

  /** `fast` ends sessions and writes a checkpoint; `immediate` is a crash that PostgreSQL makes itself. */
  async stop(mode: 'fast' | 'immediate'): Promise<void> {
    if (this.running) signal(this.pid, mode === 'fast' ? 'SIGINT' : 'SIGQUIT')
    await this.#ended
    this.#keeper.stdin?.end()
  }

  /** SIGKILL for the postmaster and each of its processes, as if the machine had stopped. */
  async kill(): Promise<void> {
    if (this.running) {
      signal(this.pid, 'SIGSTOP')
      for (const pid of childrenOf(this.pid)) signal(pid, 'SIGKILL')
      signal(this.pid, 'SIGKILL')
    }
    await this.#ended
    this.#keeper.stdin?.end()
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It has ended by itself.
  }
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && parentOf(name) === parent)
    .map(Number)
}

function parentOf(pid: string): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    return 0
  }
}
