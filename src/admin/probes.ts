/** What probes and scrapers ask for: metrics, alive, ready. Open on their listeners; no answer names a session, URL or address. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ReadinessCheck, StatusDeps } from './deps.ts'
import { barAtDoor, SECURE_HEADERS } from './doorway.ts'

const PROMETHEUS_TEXT = 'text/plain; version=0.0.4; charset=utf-8'

const OPEN_METRICS = 'application/openmetrics-text'

export const PROBES = ['/metrics', '/healthz', '/readyz'] as const

export type Probe = (typeof PROBES)[number]

export interface ProbeAnswer {
  readonly status: 200 | 503
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** @param accept the header of that name */
export async function answerProbe(probe: Probe, accept: string | undefined, deps: StatusDeps): Promise<ProbeAnswer> {
  if (probe === '/metrics') return answerMetrics(accept, deps)
  if (probe === '/healthz') return answerJson(200, { alive: true })
  const reasons = await reasonsOf(deps)
  const ready = reasons.length === 0
  return answerJson(ready ? 200 : 503, { ready, reasons })
}

async function answerMetrics(accept: string | undefined, deps: StatusDeps): Promise<ProbeAnswer> {
  const wanted = accept?.includes(OPEN_METRICS) ? deps.openMetrics : undefined
  const { render, contentType = PROMETHEUS_TEXT } = wanted ?? deps
  return { status: 200, headers: { 'content-type': contentType, vary: 'accept' }, body: await render() }
}

function answerJson(status: ProbeAnswer['status'], value: object): ProbeAnswer {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) }
}

async function reasonsOf({ readiness }: StatusDeps): Promise<string[]> {
  return (await Promise.all(readiness.map(answerOf))).flat()
}

/** A check that fails hides no other; only those that read the ledger can fail. */
async function answerOf(check: ReadinessCheck): Promise<readonly string[]> {
  try {
    return await check()
  } catch {
    return ['The ledger does not answer.']
  }
}

/** Answers, or calls `next`. */
export type ProbeDoor = (request: IncomingMessage, response: ServerResponse, next: () => void) => void

/**
 * Answers them where they are asked plainly, and without the app that answers everything else: a probe comes before anybody
 * needs that. Whatever is to be refused, or fails, is left to the app.
 * @param hosts The listener's further names.
 */
export function createProbeDoor(deps: StatusDeps, hosts: readonly string[] | 'any'): ProbeDoor {
  const known = hosts === 'any' ? undefined : new Set(hosts.map((host) => host.toLowerCase()))
  return (request, response, next) => {
    const probe = PROBES.find((path) => path === request.url)
    if (!probe || request.method !== 'GET' || (known && isBarred(request, known))) return next()
    answerProbe(probe, request.headers.accept, deps).then((answer) => send(response, answer), next)
  }
}

function isBarred({ headers, socket }: IncomingMessage, known: ReadonlySet<string>): boolean {
  const { host = '', origin } = headers
  const site = headers['sec-fetch-site']?.toString()
  return barAtDoor({ authority: host, arrivedAt: socket.localAddress, site, origin }, known) !== undefined
}

function send(response: ServerResponse, { status, headers, body }: ProbeAnswer): void {
  response.writeHead(status, { ...SECURE_HEADERS, ...headers, 'content-length': Buffer.byteLength(body) }).end(body)
}
