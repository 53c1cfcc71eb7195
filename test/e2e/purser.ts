/** A whole Purser on free ports with a temporary data folder, as `purser serve` would start it, and hands to drive it. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { type App, startApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { HouseOptions } from '../../src/house.ts'

export interface RunningPurser extends AsyncDisposable {
  readonly app: App
  readonly dataDir: string
  readonly adminToken: string
  /** Lines of the log so far. */
  readonly log: string[]
  openSession(spec?: Record<string, unknown>): Promise<OpenSession>
  admin<T = Record<string, unknown>>(path: string, init?: RequestInit): Promise<T>
  /** GET of an admin path as text, with the token. */
  text(path: string): Promise<string>
}

export interface OpenSession {
  readonly id: string
  readonly token: string
  readonly proxyUrl: string
  readonly [member: string]: unknown
}

/** Everything on loopback is opened and trusted; tests narrow what they are about. */
export function openConfig(caFiles: readonly string[] = []): Record<string, unknown> {
  return {
    mode: 'enforce',
    proxy: {
      listen: '127.0.0.1:0',
      unsafeAllowPrivateUpstreams: ['127.0.0.0/8', '::1/128'],
      tls: { caFiles: [...caFiles] },
    },
    admin: { listen: '127.0.0.1:0' },
    networks: [{ id: 'base-sepolia' }],
    recipients: { verified: [{ host: 'localhost' }, { host: '127.0.0.1' }] },
    categories: [{ host: '*', category: 'api_calls' }],
    tiers: [
      {
        name: 'autonomous',
        conditions: { maxAmount: '1000', categories: ['api_calls'], recipientTrust: 'verified', frequency: { max: 100000, per: '1h' } },
        approval: 'none',
      },
      { name: 'prohibited', conditions: { categories: ['gambling'] }, approval: 'blocked' },
    ],
  }
}

export async function startPurser(
  config: Record<string, unknown>,
  options: Pick<HouseOptions, 'clock' | 'worker'> = {},
): Promise<RunningPurser> {
  await using started = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'purser-e2e-'))
  started.defer(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'purser.yaml')
  await writeFile(file, stringify({ dataDir: './data', ...config }))
  const log: string[] = []
  const logDestination = { write: (line: string) => void log.push(line) }
  const app = started.use(await startApp(await loadConfig({ file, env: {} }), { ...options, logDestination }))
  const dataDir = join(folder, 'data')
  const adminToken = (await readFile(join(dataDir, 'admin.token'), 'utf8')).trim()
  const ask = async (path: string, init: RequestInit = {}) => {
    const headers = { authorization: `Bearer ${adminToken}`, ...(init.body ? { 'content-type': 'application/json' } : {}), ...init.headers }
    return fetch(new URL(path, app.adminUrl), { ...init, headers })
  }
  const admin = async <T>(path: string, init?: RequestInit) => (await (await ask(path, init)).json()) as T
  const all = started.move()
  return {
    app,
    dataDir,
    adminToken,
    log,
    admin,
    text: async (path) => (await ask(path)).text(),
    openSession: (spec = {}) =>
      admin<OpenSession>('/v1/sessions', {
        method: 'POST',
        body: JSON.stringify({ agent: 'tester', purpose: 'test', cap: '1.00', ttl: '1h', ...spec }),
      }),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}
