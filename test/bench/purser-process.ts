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

export interface PurserOptions {
  /** The built program. */
  readonly main: string
  /** For configuration, data and log. */
  readonly folder: string
  readonly origin: { readonly plain: number; readonly tls: number; readonly paid: number }
  /** What the origin's certificate is signed by. */
  readonly caFile: string
  /** Where a CPU profile goes when the process ends. */
  readonly profile: string | undefined
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
  openSessions(count: number): Promise<Session[]>
}

export async function startPurserProcess(options: PurserOptions): Promise<PurserProcess> {
  const { main, folder, profile } = options
  const file = join(folder, 'purser.yaml')
  await writeFile(file, JSON.stringify(configOf(options)))
  const log = openSync(join(folder, 'purser.log'), 'a')
  const running = await startProcess({
    file: main,
    args: ['serve', '--json', '--config', file],
    flags: profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`, '--enable-source-maps'],
    core: MEASURED_CORE,
    ready: Ready,
    stderr: log,
  })
  closeSync(log)
  return purserOf(running)
}

async function purserOf(running: Running<z.infer<typeof Ready>>): Promise<PurserProcess> {
  const { proxyUrl, adminUrl, caFile, adminTokenFile } = running.ready
  const token = (await readFile(adminTokenFile, 'utf8')).trim()
  const open = async (_: unknown, at: number) => {
    const spec = { agent: `agent-${at}`, purpose: 'benchmark', cap: '1000000', ttl: '1h' }
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const answer = await fetch(new URL('/v1/sessions', adminUrl), { method: 'POST', headers, body: JSON.stringify(spec) })
    return Opened.parse(await answer.json())
  }
  return {
    port: Number(new URL(proxyUrl).port),
    caFile,
    cpu_ms: running.cpu_ms,
    openSessions: (count) => Promise.all(Array.from({ length: count }, open)),
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  }
}

/** Loopback is opened because the origin is there; what pays is as strict as ever. */
function configOf({ origin, caFile }: PurserOptions): unknown {
  return {
    mode: 'enforce',
    dataDir: './data',
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
