/** A real Purser on free ports and a temporary folder, and the real command line against it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { App } from '../../src/app.ts'
import { runProgram } from '../../src/cli/program.ts'
import { randomIds, systemClock } from '../../src/clock.ts'
import { loadConfig } from '../../src/config/load.ts'
import { MAIN } from '../program.ts'
import { capturedTerminal } from './captured-terminal.ts'

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface RunningPurser extends AsyncDisposable {
  readonly app: App
  readonly folder: string
  readonly configFile: string
  /** What lets a command in. */
  readonly env: { readonly PURSER_ADMIN_URL: string; readonly PURSER_ADMIN_TOKEN: string }
  /** Runs one command line in this process. */
  run(...argv: string[]): Promise<Ran>
  json(...argv: string[]): Promise<Record<string, unknown>>
}

/** A configuration file in a fresh folder; ports are the system's choice. */
export async function writeConfig(more: Record<string, unknown> = {}): Promise<{ folder: string; configFile: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'purser-cli-'))
  const configFile = join(folder, 'purser.yaml')
  const config = {
    dataDir: './data',
    proxy: { listen: '127.0.0.1:0' },
    admin: { listen: '127.0.0.1:0' },
    ledger: 'sqlite:./data/purser.db',
    wallet: { kind: 'local', key: 'file:./data/wallet.key' },
    networks: [{ id: 'eip155:84532' }],
    ...more,
  }
  await writeFile(configFile, JSON.stringify(config))
  return { folder, configFile }
}

export async function startPurser(more: Record<string, unknown> = {}): Promise<RunningPurser> {
  const { folder, configFile } = await writeConfig(more)
  const { startApp } = await import('../../src/app.ts')
  const app = await startApp(await loadConfig({ file: configFile, env: {} }), { logLevel: 'silent' })
  const token = (await readFile(join(folder, 'data', 'admin.token'), 'utf8')).trim()
  const env = { PURSER_ADMIN_URL: app.adminUrl, PURSER_ADMIN_TOKEN: token }
  const run = (...argv: string[]) => runHere(argv, env)
  return {
    ...{ app, folder, configFile, env, run },
    json: async (...argv) => JSON.parse((await run(...argv, '--json')).out),
    [Symbol.asyncDispose]: async () => {
      await app[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** One command line in this process. */
export async function runHere(argv: readonly string[], env: Record<string, string | undefined> = {}): Promise<Ran> {
  const terminal = capturedTerminal(env, { clock: systemClock, ids: randomIds })
  const code = await runProgram(argv, terminal)
  return { code, out: terminal.stdout(), err: terminal.stderr() }
}

export interface Spawned extends Ran {
  readonly signal: NodeJS.Signals | null
}

type Seen = (text: string, kill: (signal: NodeJS.Signals) => void) => void

/** Sends one signal, once `what` has been said: a second one would end the process at once, or find it without its handlers. */
export function signalAt(what: string | RegExp, signal: NodeJS.Signals): Seen {
  let sent = false
  return (text, kill) => {
    if (sent || text.search(what) < 0) return
    sent = true
    kill(signal)
  }
}

/** The real process: `purser …` with exactly these variables besides PATH and HOME. `seen` is called with all output so far. */
export async function spawnPurser(
  argv: readonly string[],
  options: { env?: Record<string, string>; cwd?: string; seen?: Seen } = {},
): Promise<Spawned> {
  const env = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...options.env }
  const child = spawn(process.execPath, [MAIN, ...argv], { env, cwd: options.cwd ?? tmpdir(), stdio: ['ignore', 'pipe', 'pipe'] })
  let [out, err] = ['', '']
  const seen = () => options.seen?.(out + err, (signal) => child.kill(signal))
  child.stdout.setEncoding('utf8').on('data', (text) => {
    out += text
    seen()
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    err += text
    seen()
  })
  const [code, signal] = await once(child, 'close')
  return { code, signal, out, err }
}
