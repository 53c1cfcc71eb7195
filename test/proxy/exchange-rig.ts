/** The proxy's core on real sockets: real listener, real guard, real identification. What upstreams and the payment flow do is scripted. */
import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { createAddressGuard } from '../../src/proxy/address-guard.ts'
import { createExchange, type Exchange, type ExchangeDeps } from '../../src/proxy/exchange.ts'
import { createProxyServer, type ListenerLimits } from '../../src/proxy/forward-proxy.ts'
import { createIdentify } from '../../src/session/identify.ts'
import type { Session } from '../../src/session/session.ts'
import { hashToken } from '../../src/session/token.ts'
import type { Events, ExchangeLine } from '../../src/telemetry/events.ts'
import { countingIds } from '../clock.ts'
import { makeTestTls, type TestTls } from '../testnet/certificates.ts'

export const TOKEN = 'canary-token-7f3a'
export const CREDENTIALS = `Basic ${Buffer.from(`ses_1:${TOKEN}`).toString('base64')}`
const AUTH = ['Proxy-Authorization', CREDENTIALS]

export function openSession(changes: Partial<Session> = {}): Session {
  return {
    id: 'ses_1',
    name: null,
    agent: 'tester',
    purpose: 'test',
    currency: 'USD',
    cap: 1_000_000n,
    spent: 0n,
    held: 0n,
    payments: 0,
    createdAt: 0,
    expiresAt: Number.MAX_SAFE_INTEGER,
    status: 'open',
    limits: {},
    scope: {},
    networks: [],
    assets: [],
    wallet: null,
    owner: 'ops',
    parent: null,
    singleUse: false,
    labels: {},
    refill: null,
    refills: 0,
    ...changes,
  }
}

export interface Rig {
  readonly port: number
  readonly exchange: Exchange
  readonly server: Server
  readonly lines: ExchangeLine[]
  readonly faults: unknown[]
  /** Connections to upstreams that are open now. */
  connections(): number
  /** Resolves with the n-th line (from 1). */
  line(count?: number): Promise<ExchangeLine>
}

export interface RigOptions extends Partial<ExchangeDeps> {
  readonly session?: Session
  /** Networks in which plain http may be paid. All of loopback unless said otherwise. */
  readonly opened?: readonly string[]
  readonly resolve?: (host: string) => Promise<{ address: string; family: number }[]>
  readonly listener?: Partial<ListenerLimits>
  readonly tls?: TestTls & { readonly clientCa?: string }
}

export interface HeardEvents extends Events {
  readonly lines: ExchangeLine[]
  readonly faults: unknown[]
  readonly connections: () => number
  readonly line: (count?: number) => Promise<ExchangeLine>
}

export function hearEvents(): HeardEvents {
  const lines: ExchangeLine[] = []
  const faults: unknown[] = []
  const waiting = new Set<() => void>()
  let connections = 0
  const ignore = () => undefined
  return {
    lines,
    faults,
    connections: () => connections,
    line: (count = 1) =>
      new Promise((resolve) => {
        const look = () => {
          const found = lines[count - 1]
          if (found) resolve(found)
        }
        waiting.add(look)
        look()
      }),
    exchangeEnded(line) {
      lines.push(line)
      for (const look of waiting) look()
    },
    faulted: (_where, cause) => void faults.push(cause),
    upstreamConnections(change) {
      connections += change
    },
    challengeSeen: ignore,
    workerEnded: ignore,
    workersUp: ignore,
    decided: ignore,
    paymentEntered: ignore,
    phaseTook: ignore,
    ledgerTook: ignore,
    receiptWritten: ignore,
    archived: ignore,
    fundingEnded: ignore,
    retentionPassed: ignore,
    undelivered: ignore,
    warned: ignore,
    thresholdReached: ignore,
    reconciled: ignore,
    approvalWaited: ignore,
    noticeEnded: ignore,
    approvalUndelivered: ignore,
    priceDrifted: ignore,
    circuitTurned: ignore,
    loopDetected: ignore,
    channelStepped: ignore,
    sessionDrifted: ignore,
    preempted: ignore,
    signedIn: ignore,
  }
}

export async function startProxy(options: RigOptions = {}): Promise<Rig> {
  const { session = openSession(), opened = ['127.0.0.0/8'], resolve, listener, tls, ...deps } = options
  const events = hearEvents()
  const guard = createAddressGuard({
    opened,
    ownDoors: () => [],
    resolve: resolve ?? (async () => [{ address: '127.0.0.1', family: 4 }]),
  })
  const exchange = createExchange({
    identify: createIdentify({ sessionByToken: async (hash) => (hash === hashToken(TOKEN) ? session : undefined) }),
    guard,
    onPaymentRequired: undefined,
    paymentHeaders: ['payment-signature', 'x-payment'],
    upgradeToHttps: [],
    routes: [],
    ca: [],
    clock: systemClock,
    ids: countingIds(),
    events,
    ...deps,
  })
  const server = createProxyServer({
    exchange,
    handleConnect: (_, socket) => socket.destroy(),
    ...(listener && { limits: listener }),
    ...(tls && { tls }),
  })
  const port = await listen(server)
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await exchange.close()
  })
  const { lines, faults, connections, line } = events
  return { port, exchange, server, lines, faults, connections, line }
}

async function listen(server: Server | ReturnType<typeof createTcpServer>): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

export interface Upstream {
  readonly port: number
  /** `http://127.0.0.1:port` */
  readonly url: string
  readonly server: Server
  /** Heads as they arrived: names and values in wire order. */
  readonly heads: string[][]
  readonly targets: string[]
}

export async function startUpstream(handler: RequestListener, tls?: TestTls): Promise<Upstream> {
  const heads: string[][] = []
  const targets: string[] = []
  const record: RequestListener = (request, response) => {
    heads.push(request.rawHeaders)
    targets.push(request.url ?? '')
    handler(request, response)
  }
  const server = tls ? createTlsServer(tls, record) : createServer(record)
  const port = await listen(server)
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { port, url: `${tls ? 'https://localhost' : 'http://127.0.0.1'}:${port}`, server, heads, targets }
}

/** An upstream that speaks bytes. */
export async function startRawUpstream(
  onConnection: (socket: Socket) => void,
): Promise<{ port: number; url: string; connections: Socket[] }> {
  const connections: Socket[] = []
  const server = createTcpServer((socket) => {
    connections.push(socket)
    socket.on('error', () => undefined)
    onConnection(socket)
  })
  const port = await listen(server)
  onTestFinished(() => {
    for (const socket of connections) socket.destroy()
    server.close()
  })
  return { port, url: `http://127.0.0.1:${port}`, connections }
}

export interface AgentAsk {
  readonly method?: string
  /** On top of the session's credentials. */
  readonly headers?: readonly string[]
  readonly body?: Buffer | string
  /** Without credentials. */
  readonly anonymous?: boolean
}

export interface AgentAnswer {
  readonly status: number
  readonly statusText: string
  readonly rawHeaders: string[]
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
  readonly text: string
  readonly rawTrailers: string[]
  readonly informations: { readonly status: number; readonly headers: IncomingMessage['headers'] }[]
}

/** Asks for an absolute URL through the proxy, or for a path of the proxy itself. Rejects if the answer is broken off. */
export function askThrough(
  port: number,
  target: string,
  { method = 'GET', headers = [], body, anonymous = false }: AgentAsk = {},
): Promise<AgentAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<AgentAnswer>()
  const host = URL.parse(target)?.host ?? `127.0.0.1:${port}`
  const length = body === undefined ? [] : ['Content-Length', String(Buffer.byteLength(body))]
  const all = ['Host', host, ...(anonymous ? [] : AUTH), ...length, 'Connection', 'close', ...headers]
  const informations: AgentAnswer['informations'][number][] = []
  const request = httpRequest({ host: '127.0.0.1', port, method, path: target, headers: all as never, agent: false })
  request.on('error', reject)
  request.on('information', (info) => informations.push({ status: info.statusCode, headers: info.headers }))
  request.on('response', (response) => {
    const chunks: Buffer[] = []
    response.on('data', (chunk: Buffer) => chunks.push(chunk))
    response.on('error', reject)
    response.on('end', () => {
      const bytes = Buffer.concat(chunks)
      resolve({
        status: response.statusCode ?? 0,
        statusText: response.statusMessage ?? '',
        rawHeaders: response.rawHeaders,
        headers: response.headers,
        body: bytes,
        text: bytes.toString(),
        rawTrailers: response.rawTrailers,
        informations,
      })
    })
  })
  request.end(body)
  return promise
}

export interface RawClient {
  readonly socket: Socket
  /** Everything received so far, as Latin-1. */
  received(): string
  /** Resolves once what was received matches, or the connection closed. */
  until(pattern: RegExp): Promise<string>
  closed(): Promise<string>
}

export function connectRaw(port: number): RawClient {
  const socket = connect(port, '127.0.0.1')
  let received = ''
  const looks = new Set<() => void>()
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1')
    for (const look of looks) look()
  })
  socket.on('error', () => undefined)
  const closed = new Promise<string>((resolve) => socket.once('close', () => resolve(received)))
  onTestFinished(() => void socket.destroy())
  return {
    socket,
    received: () => received,
    closed: () => closed,
    until: (pattern) =>
      new Promise((resolve) => {
        const look = () => pattern.test(received) && resolve(received)
        looks.add(look)
        look()
        void closed.then(resolve)
      }),
  }
}

/** Writes bytes, and reads until the connection ends. */
export async function exchangeRaw(port: number, bytes: string): Promise<string> {
  const client = connectRaw(port)
  client.socket.write(Buffer.from(bytes, 'latin1'))
  return client.closed()
}

export const authLine = `Proxy-Authorization: ${CREDENTIALS}\r\n`

/** The problem document of a refusal. */
export function problemOf(answer: AgentAnswer): Record<string, unknown> {
  const parsed: unknown = JSON.parse(answer.text)
  if (typeof parsed !== 'object' || parsed === null) throw new Error('no document')
  return { ...parsed }
}

let made: TestTls | undefined
/** One authority for all tests of a file. */
export function testTls(): TestTls {
  made ??= makeTestTls()
  return made
}
