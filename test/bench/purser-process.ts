/**
 * The proxy that is measured, as people run it: the built program in a process of its own, the ledger in a file on this
 * disk, one canonical log line for each exchange at level info into a file.
 */
import { closeSync, openSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { MEASURED_CORE, type Running, startProcess } from './processes.ts'

const Ready = z.looseObject({ proxyUrl: z.string(), adminUrl: z.string(), caFile: z.string(), adminTokenFile: z.string() })
const Opened = z.looseObject({ id: z.string(), token: z.string() })

const OPENED_AT_ONCE = 64

export interface PurserOptions {
  /** The built program. */
  readonly main: string
  /** For configuration, data and log. */
  readonly folder: string
  readonly origin: { readonly plain: number; readonly tls: number; readonly paid: number }
  /** What the origin's certificate is signed by. */
  readonly caFile: string
  /** Where a CPU profile goes when the process ends. */
  readonly profile?: string | undefined
  /** Of its files, where several run beside each other. */
  readonly name?: string
  /** Node's own. */
  readonly flags?: readonly string[]
  /** Over the configuration's first level; `proxy` over its own. */
  readonly changes?: Readonly<Record<string, unknown>> & { readonly proxy?: object }
  /** Where several workers share the machine's cores with the load; else the measured core alone. */
  readonly cores?: 'all'
}

export interface Session {
  readonly id: string
  readonly token: string
}

export interface PurserProcess extends AsyncDisposable {
  readonly port: number
  /** PEM that agents trust inside intercepted connections. */
  readonly caFile: string
  readonly cpu_ms: () => number
  readonly rss_bytes: () => number
  /** Where `/metrics` is. */
  readonly adminUrl: string
  readonly pid: number
  readonly ask: Running<unknown>['ask']
  /** @param ttl as the API takes it; a day unless told otherwise. */
  openSessions(count: number, ttl?: string): Promise<Session[]>
}

export async function startPurserProcess(options: PurserOptions): Promise<PurserProcess> {
  const { main, folder, profile, name = 'purser', changes, flags = [] } = options
  const file = join(folder, `${name}.yaml`)
  await writeFile(file, JSON.stringify(withChanges(configOf(options, name), changes)))
  const log = openSync(join(folder, `${name}.log`), 'a')
  const running = await startProcess({
    file: main,
    args: ['serve', '--json', '--config', file],
    flags: [...(profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`, '--enable-source-maps']), ...flags],
    core: options.cores ?? MEASURED_CORE,
    ready: Ready,
    stderr: log,
  })
  closeSync(log)
  return purserOf(running)
}

async function purserOf(running: Running<z.infer<typeof Ready>>): Promise<PurserProcess> {
  const { proxyUrl, adminUrl, caFile, adminTokenFile } = running.ready
  const token = (await readFile(adminTokenFile, 'utf8')).trim()
  const open = async (at: number, ttl: string) => {
    const spec = { agent: `agent-${at}`, purpose: 'benchmark', cap: '1000000', ttl }
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const answer = await fetch(new URL('/v1/sessions', adminUrl), { method: 'POST', headers, body: JSON.stringify(spec) })
    return Opened.parse(await answer.json())
  }
  return {
    port: Number(new URL(proxyUrl).port),
    caFile,
    cpu_ms: running.cpu_ms,
    rss_bytes: running.rss_bytes,
    adminUrl,
    pid: running.pid,
    ask: running.ask,
    openSessions: async (count, ttl = '24h') => {
      const sessions: Session[] = []
      for (let at = 0; at < count; at += OPENED_AT_ONCE) {
        const length = Math.min(OPENED_AT_ONCE, count - at)
        sessions.push(...(await Promise.all(Array.from({ length }, (_, n) => open(at + n, ttl)))))
      }
      return sessions
    },
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  }
}

function withChanges(config: { readonly proxy: object }, changes: NonNullable<PurserOptions['changes']> = {}): object {
  return { ...config, ...changes, proxy: { ...config.proxy, ...changes.proxy } }
}

/** Loopback is opened because the origin is there; what pays is as strict as ever. */
function configOf({ origin, caFile }: PurserOptions, name: string) {
  return {
    mode: 'enforce',
    dataDir: `./${name}-data`,
    proxy: {
      listen: '127.0.0.1:0',
      connectPorts: [origin.plain, origin.tls],
      unsafeAllowPrivateUpstreams: ['127.0.0.0/8', '::1/128'],
      tls: { caFiles: [caFile] },
      routes: [
        { prefix: '/bench/', upstream: `http://127.0.0.1:${origin.plain}/` },
        { prefix: '/paid/', upstream: `http://127.0.0.1:${origin.paid}/` },
      ],
    },
    admin: { listen: '127.0.0.1:0' },
    networks: [{ id: 'base-sepolia' }],
    recipients: { verified: [{ host: '127.0.0.1' }] },
    categories: [{ host: '*', category: 'api_calls' }],
    tiers: [
      {
        name: 'autonomous',
        conditions: { maxAmount: '1', categories: ['api_calls'], recipientTrust: 'verified', frequency: { max: 100_000_000, per: '1h' } },
        approval: 'none',
      },
    ],
    log: { level: 'info' },
  }
}
