/** A proxy door of real parts: real sockets, a real authority, the real guard. Only who may pass and what answers are scripted. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, ServerResponse } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { onTestFinished } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import type { Refusal } from '../../src/errors.ts'
import { headerValue } from '../../src/http.ts'
import { createAddressGuard } from '../../src/proxy/address-guard.ts'
import { type Authority, openAuthority } from '../../src/proxy/authority.ts'
import { type ConnectOptions, createConnectHandler } from '../../src/proxy/connect.ts'
import type { AgentRequest, AgentResponse, Door, HandleUpgrade } from '../../src/proxy/door.ts'
import { createInterceptor, type Interceptor, type InterceptorOptions } from '../../src/proxy/intercept.ts'
import { createPassageLog } from '../../src/proxy/passage.ts'
import { createTunnels, type Tunnels, type TunnelsOptions } from '../../src/proxy/tunnel.ts'
import type { Identify } from '../../src/session/identify.ts'
import type { Session, SessionScope } from '../../src/session/session.ts'
import type { Events, ExchangeLine } from '../../src/telemetry/events.ts'
import { countingIds } from '../clock.ts'
import { dataFolder } from './data-folder.ts'

export const TOKEN = `Basic ${Buffer.from('ses_1:pst_token').toString('base64')}`

export function session(changes: Partial<Session> = {}): Session {
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

/** Knows one token; the refusal, where there is one, stands for what became of its session. */
export function identifyOne({ refusal, scope }: { refusal?: Refusal; scope?: SessionScope } = {}): Identify {
  return async (headers) => {
    const given = headerValue(headers, 'proxy-authorization')
    if (given === undefined) return { kind: 'refused', refusal: { code: 'session_required', detail: 'No session.' } }
    if (given !== TOKEN) return { kind: 'refused', refusal: { code: 'session_invalid', detail: 'Not a session.' } }
    return refusal ? { kind: 'refused', refusal } : { kind: 'session', session: session(scope && { scope }) }
  }
}

export interface Heard {
  readonly request: AgentRequest
  readonly door: Door
}

export interface Rig {
  readonly port: number
  readonly authority: Authority
  readonly tunnels: Tunnels
  readonly interceptor: Interceptor
  /** Canonical lines, in order. */
  readonly lines: ExchangeLine[]
  readonly faults: unknown[]
  /** Requests that reached the exchange. */
  readonly heard: Heard[]
  /** Tunnels open now, as the gauge has it. */
  readonly connections: () => number
  /** Resolves with the n-th line. */
  line(count?: number): Promise<ExchangeLine>
}

export interface RigOptions extends Partial<Pick<ConnectOptions, 'identify' | 'connectPorts' | 'intercept' | 'outward'>> {
  readonly opened?: string[]
  readonly resolve?: (host: string) => Promise<{ address: string; family: number }[]>
  readonly ownDoors?: () => { address: string; port: number }[]
  readonly answer?: (request: AgentRequest, response: AgentResponse) => void
  readonly upgrade?: HandleUpgrade
  readonly tunnel?: Partial<TunnelsOptions>
  readonly interception?: Partial<InterceptorOptions>
}

const answerInside = (_request: AgentRequest, response: AgentResponse) => {
  response.statusCode = 200
  if (response instanceof ServerResponse) response.end('inside')
  else response.end('inside')
}

export async function startRig(options: RigOptions = {}): Promise<Rig> {
  const authority = await openAuthority({ dataDir: await dataFolder(), clock: systemClock })
  const lines: ExchangeLine[] = []
  const faults: unknown[] = []
  const heard: Heard[] = []
  const waiting = new Set<() => void>()
  let connections = 0
  const events: Pick<Events, 'exchangeEnded' | 'faulted' | 'upstreamConnections'> = {
    exchangeEnded(line) {
      lines.push(line)
      for (const wake of waiting) wake()
    },
    faulted: (_where, cause) => void faults.push(cause),
    upstreamConnections(change) {
      connections += change
    },
  }
  const ids = countingIds()
  const log = createPassageLog({ events, clock: systemClock, ids })
  const tunnels = createTunnels({ log, events, ...options.tunnel })
  const interceptor = createInterceptor({
    authority,
    log,
    events,
    handleRequest: (request, response, door) => {
      heard.push({ request, door })
      const answer = options.answer ?? answerInside
      answer(request, response)
    },
    handleUpgrade: options.upgrade ?? ((_request, socket) => socket.end()),
    ...options.interception,
  })
  const { opened = [], ownDoors = () => [], resolve } = options
  const handler = createConnectHandler({
    identify: options.identify ?? identifyOne(),
    guard: createAddressGuard({ opened, ownDoors, ...(resolve && { resolve }) }),
    connectPorts: options.connectPorts ?? [443],
    intercept: options.intercept ?? { hosts: [], except: [] },
    reservedHost: 'purser.internal',
    ...(options.outward && { outward: options.outward }),
    interceptor,
    tunnels,
    log,
    events,
    clock: systemClock,
    ids,
  })
  const server = createServer().on('connect', (request: IncomingMessage, socket: Duplex, head: Buffer) => handler(request, socket, head))
  const port = await listen(server)
  const line = async (count = 1): Promise<ExchangeLine> => {
    while (lines.length < count) {
      await new Promise<void>((resolve) => {
        waiting.add(resolve)
      })
      waiting.clear()
    }
    return lines[count - 1] as ExchangeLine
  }
  return { port, authority, tunnels, interceptor, lines, faults, heard, connections: () => connections, line }
}

/** Listens on a free port of the loopback until the test ends. */
export async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return (server.address() as AddressInfo).port
}

/** An upstream that counts who connects. */
export async function upstream(serve: (socket: Socket) => void = (socket) => void socket.pipe(socket)) {
  const seen: Socket[] = []
  const server = createTcpServer({ allowHalfOpen: true }, (socket) => {
    seen.push(socket)
    socket.on('error', () => undefined)
    serve(socket)
  })
  return { port: await listen(server), seen }
}

export interface ConnectAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Record<string, string>
  readonly socket: Socket
  /** All that follows a refusal's head. */
  body(): Promise<string>
}

export interface ConnectAsk {
  readonly headers?: string[]
  /** Sent right behind the request. */
  readonly early?: string | Buffer
}

const AUTHORIZED = [`Proxy-Authorization: ${TOKEN}`]

/** Asks for a tunnel over a raw socket. */
export async function ask(port: number, target: string, { headers = AUTHORIZED, early = '' }: ConnectAsk = {}): Promise<ConnectAnswer> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.on('error', () => undefined)
  onTestFinished(() => void socket.destroy())
  const head = [`CONNECT ${target} HTTP/1.1`, `Host: ${target}`, ...headers, '', ''].join('\r\n')
  socket.write(Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(early)]))
  let text = ''
  while (!text.includes('\r\n\r\n')) {
    const chunk = await readSome(socket)
    if (chunk === undefined) throw new Error(`the connection ended after ${JSON.stringify(text)}`)
    text += chunk.toString('latin1')
  }
  const end = text.indexOf('\r\n\r\n') + 4
  if (text.length > end) socket.unshift(Buffer.from(text.slice(end), 'latin1'))
  const [first = '', ...fields] = text.slice(0, end - 4).split('\r\n')
  const parsed = fields.map((field) => [field.slice(0, field.indexOf(':')).toLowerCase(), field.slice(field.indexOf(':') + 2)])
  return { status: Number(first.split(' ')[1]), headers: Object.fromEntries(parsed), socket, body: () => readAll(socket) }
}

/** The next bytes; undefined at the end. */
export async function readSome(socket: Duplex): Promise<Buffer | undefined> {
  for (;;) {
    const chunk: Buffer | null = socket.read()
    if (chunk !== null) return chunk
    if (socket.readableEnded || socket.destroyed) return undefined
    await new Promise<void>((resolve) => {
      const wake = () => {
        socket.off('readable', wake).off('end', wake).off('close', wake)
        resolve()
      }
      socket.on('readable', wake).on('end', wake).on('close', wake)
    })
  }
}

export async function readAll(socket: Duplex): Promise<string> {
  let text = ''
  for (let chunk = await readSome(socket); chunk !== undefined; chunk = await readSome(socket)) text += chunk.toString('latin1')
  return text
}

/** Waits for the end of a connection, however it comes, and takes part in it. */
export async function closed(socket: Duplex): Promise<void> {
  if (socket.closed) return
  socket.once('end', () => socket.end()).resume()
  await new Promise<void>((resolve) => {
    socket.once('close', () => resolve())
  })
}
