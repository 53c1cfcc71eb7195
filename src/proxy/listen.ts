/** The proxy put together and listening: four ways in on one port, and a way to stop that leaves nothing half done. */
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { DRAIN_TIMEOUT_MS } from '../limits.ts'
import { createAddressGuard } from './address-guard.ts'
import { AGENT_DOOR_HOST } from './admit.ts'
import type { Authority } from './authority.ts'
import { createConnectHandler } from './connect.ts'
import { createTrust } from './connection.ts'
import { createExchange, type Exchange, type ExchangeDeps } from './exchange.ts'
import { createProxyServer, type ListenerTls } from './forward-proxy.ts'
import { createInterceptor, type Interceptor } from './intercept.ts'
import { createPassageLog } from './passage.ts'
import { pipe } from './pipe.ts'
import type { Probe } from './probe.ts'
import type { Route } from './reverse-proxy.ts'
import { createTunnels, type Tunnels } from './tunnel.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

export interface ProxySettings {
  /** Null: nobody reaches it but by `connect`. */
  readonly listen: Address | null
  readonly hosts: readonly string[]
  readonly connectPorts: readonly number[]
  readonly intercept: { readonly hosts: readonly string[]; readonly except: readonly string[] }
  readonly routes: readonly Route[]
  readonly upgradeToHttps: readonly string[]
  readonly unsafeAllowPrivateUpstreams: readonly string[]
}

type Shared = Pick<
  ExchangeDeps,
  | 'identify'
  | 'onPaymentRequired'
  | 'paymentHeaders'
  | 'askAgain'
  | 'toolDialect'
  | 'preempt'
  | 'agentDoor'
  | 'steps'
  | 'identityDoor'
  | 'parents'
  | 'ca'
  | 'clock'
  | 'ids'
  | 'events'
>

export interface ProxyOptions extends Shared {
  readonly settings: ProxySettings
  readonly authority: Authority
  /** Where agents come in whose connections another process accepts and hands over (`take`). */
  readonly handed?: Address
  /** Our other listeners, which agents must not reach through the proxy. */
  readonly otherDoors: () => readonly Address[]
  /** PEM texts, for a listener beyond loopback. */
  readonly tls?: ListenerTls
}

export interface RunningProxy extends AsyncDisposable {
  /** With the port that was taken; that of the agent's own door where nothing listens. */
  readonly url: string
  readonly probe: Probe
  /** A connection that another process has accepted. */
  take(socket: Socket): void
  /** A connection from within this process, as if somebody had dialled. */
  connect(): Duplex
  /** Ends all that a revoked session still has open: exchanges, upgraded connections, blind tunnels. */
  endSession(sessionId: string): void
  /** Takes no new connections, lets running exchanges and signed payments end, for at most `DRAIN_TIMEOUT_MS`. */
  drain(): Promise<void>
}

/** Listens where it is to. @throws the listener's own error, e.g. EADDRINUSE. */
export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const { settings, identify, authority, clock, ids, events } = options
  const own = { doors: [] as Address[] }
  const guard = createAddressGuard({
    opened: settings.unsafeAllowPrivateUpstreams,
    ownDoors: () => [...own.doors, ...options.otherDoors()].map(({ host, port }) => ({ address: host, port })),
  })
  const log = createPassageLog({ events, clock, ids })
  const tunnels = createTunnels({ log, events })
  const { hosts, routes, upgradeToHttps } = settings
  const exchange = createExchange({ ...options, hosts, routes, upgradeToHttps, guard })
  const interceptor = createInterceptor({ ...exchange, authority, log, events })
  const { connectPorts, intercept } = settings
  const outward = options.parents && { parents: options.parents, trust: createTrust(options.ca) }
  const passing = { identify, guard, ...(outward && { outward }), connectPorts, intercept, interceptor, tunnels, log, events, clock, ids }
  const handleConnect = createConnectHandler({ ...passing, reservedHost: AGENT_DOOR_HOST })
  const server = createProxyServer({ exchange, handleConnect, ...(options.tls && { tls: options.tls }) })
  const sockets = socketsOf(server)
  if (options.handed) own.doors.push(options.handed)
  if (settings.listen) own.doors.push(await listen(server, settings.listen))
  const stop = { server, sockets, exchange, interceptor, tunnels }
  return {
    url: urlOf(own.doors[0], options.tls !== undefined),
    probe: exchange.probe,
    take: (socket) => {
      // As the server would have accepted it.
      socket.allowHalfOpen = true
      if (sockets.size >= server.maxConnections) socket.destroy()
      else server.emit('connection', socket)
    },
    connect: () => {
      const [inner, outer] = pipe()
      server.emit('connection', inner)
      return outer
    },
    endSession: (sessionId) => {
      tunnels.end(sessionId)
      exchange.endSession(sessionId)
    },
    drain: () => within(close(stop), () => cut(stop)),
    [Symbol.asyncDispose]: async () => {
      cut(stop)
      await close(stop)
    },
  }
}

/** The agents' connections, those among them that have become tunnels too: the server forgets about these. */
function socketsOf(server: Server): ReadonlySet<Duplex> {
  const sockets = new Set<Duplex>()
  server.on('connection', (socket: Duplex) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return sockets
}

interface Stoppable {
  readonly server: Server
  readonly sockets: ReadonlySet<Duplex>
  readonly exchange: Exchange
  readonly interceptor: Interceptor
  readonly tunnels: Tunnels
}

/** Idle connections end now, busy ones after their answer; resolves when nothing runs. May be called again. */
async function close({ server, exchange, interceptor, tunnels }: Stoppable): Promise<void> {
  const closed = server.listening ? once(server, 'close') : Promise.resolve()
  server.close()
  server.closeIdleConnections()
  interceptor.drain()
  await exchange.close()
  tunnels.close()
  server.closeAllConnections()
  await closed
}

/** What still runs is broken off: agents see a broken connection, and the ledger keeps what was signed. */
function cut({ server, sockets, exchange, tunnels }: Stoppable): void {
  server.close()
  tunnels.close()
  exchange.cut()
  for (const socket of sockets) socket.destroy()
}

async function within(ending: Promise<void>, giveUp: () => void): Promise<void> {
  const timer = setTimeout(giveUp, DRAIN_TIMEOUT_MS)
  await ending
  clearTimeout(timer)
}

async function listen(server: Server, { host, port }: Address): Promise<Address> {
  server.listen(port, host)
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('the proxy listens on a port')
  return { host, port: address.port }
}

function urlOf(address: Address | undefined, secure: boolean): string {
  if (!address) return `http://${AGENT_DOOR_HOST}`
  const { host, port } = address
  return `${secure ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`
}
