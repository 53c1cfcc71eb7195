/** Who is measured against whom. In each contest all go the same way to the same origin, in turn. */
import { z } from 'zod'
import { type Job, Result } from './load.ts'
import { LOAD_CORE, MEASURED_CORE, type Running, startProcess } from './processes.ts'
import type { PurserProcess, Session } from './purser-process.ts'

export interface Pace {
  readonly connections: number
  readonly warmup_ms: number
  readonly duration_ms: number
}

export interface Contender {
  readonly name: string
  /** Of the process that is measured, in milliseconds; NaN where there is none. */
  readonly cpu_ms: () => number
  run(pace: Pace): Promise<Result>
}

export interface Contest {
  readonly title: string
  readonly purser: string
  /** The one that has nothing in between, where latencies are compared with it. */
  readonly direct?: string
  readonly contenders: readonly Contender[]
}

/** What all contests share. */
export interface Field {
  readonly origin: { readonly plain: number; readonly tls: number; readonly paid: number }
  readonly load: Running<unknown>
  readonly purser: PurserProcess
  readonly sessions: readonly Session[]
  readonly tls: { readonly cert: string; readonly key: string; readonly ca: string }
  readonly started: AsyncDisposableStack
}

const Port = z.object({ port: z.number() })
const Nothing = z.object({})
const here = (file: string) => `${import.meta.dirname}/${file}`

const GET = 'Accept: */*\r\nUser-Agent: bench\r\n\r\n'
const basicOf = ({ id, token }: Session) => Buffer.from(`${id}:${token}`).toString('base64')
const proxyAuthorization = (session: Session) => `Proxy-Authorization: Basic ${basicOf(session)}\r\n`

type Way = Pick<Job, 'port' | 'heads'> & Partial<Pick<Job, 'connect' | 'tls'>>

function overWire(load: Running<unknown>, { name, cpu_ms = () => Number.NaN, way }: { name: string; cpu_ms?: () => number; way: Way }) {
  const job = { connect: null, tls: null, ...way }
  return { name, cpu_ms, run: (pace: Pace) => load.ask({ ...job, ...pace }, Result) }
}

async function plainProxy({ started }: Field, args: readonly string[]) {
  const running = started.use(
    await startProcess({ file: here('plain-proxies.ts'), args: args.map(String), core: MEASURED_CORE, ready: Port }),
  )
  return { port: running.ready.port, cpu_ms: running.cpu_ms }
}

/** The load's process is needed before the field is whole. */
export function startLoad(): Promise<Running<unknown>> {
  return startProcess({ file: here('load.ts'), core: LOAD_CORE, ready: Nothing })
}

export function startOrigin(tls: Field['tls']): Promise<Running<Field['origin']>> {
  const ready = z.object({ plain: z.number(), tls: z.number(), paid: z.number() })
  return startProcess({ file: here('origin.ts'), args: [tls.cert, tls.key], core: LOAD_CORE, ready })
}

export async function absoluteForm(field: Field): Promise<Contest> {
  const { origin, load, purser, sessions } = field
  const plain = await plainProxy(field, ['absolute', `${origin.plain}`])
  const head = (more: string) =>
    `GET http://127.0.0.1:${origin.plain}/data?n={n} HTTP/1.1\r\nHost: 127.0.0.1:${origin.plain}\r\n${more}${GET}`
  return {
    title: 'pass-through, absolute form',
    purser: 'Purser',
    direct: 'no proxy',
    contenders: [
      direct(field),
      overWire(load, { name: 'http + undici dispatch', cpu_ms: plain.cpu_ms, way: { port: plain.port, heads: [head('')] } }),
      overWire(load, {
        name: 'Purser',
        cpu_ms: purser.cpu_ms,
        way: { port: purser.port, heads: sessions.map((session) => head(proxyAuthorization(session))) },
      }),
    ],
  }
}

export async function reverse(field: Field): Promise<Contest> {
  const { origin, load, purser, sessions } = field
  const plain = await plainProxy(field, ['reverse', `${origin.plain}`])
  const peer = await plainProxy(field, ['http-proxy-3', `${origin.plain}`])
  const head = (port: number, more = '') => `GET /bench/data?n={n} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${more}${GET}`
  const named = sessions.map(({ token }) => head(purser.port, `Purser-Session: ${token}\r\n`))
  return {
    title: 'pass-through, reverse',
    purser: 'Purser',
    direct: 'no proxy',
    contenders: [
      direct(field),
      overWire(load, { name: 'http + undici dispatch', cpu_ms: plain.cpu_ms, way: { port: plain.port, heads: [head(plain.port)] } }),
      overWire(load, { name: 'http-proxy-3', cpu_ms: peer.cpu_ms, way: { port: peer.port, heads: [head(peer.port)] } }),
      overWire(load, { name: 'Purser', cpu_ms: purser.cpu_ms, way: { port: purser.port, heads: named } }),
    ],
  }
}

function direct({ load, origin }: Field): Contender {
  const heads = [`GET /data?n={n} HTTP/1.1\r\nHost: 127.0.0.1:${origin.plain}\r\n${GET}`]
  return overWire(load, { name: 'no proxy', way: { port: origin.plain, heads } })
}

const connectTo = (authority: string, more: string) => `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${more}\r\n`

export async function blindConnect(field: Field): Promise<Contest> {
  const { origin, load, purser, sessions } = field
  const plain = await plainProxy(field, ['connect'])
  const authority = `127.0.0.1:${origin.plain}`
  const heads = [`GET /data?n={n} HTTP/1.1\r\nHost: ${authority}\r\n${GET}`]
  const [session] = sessions
  if (!session) throw new Error('no session was opened')
  return {
    title: 'pass-through, CONNECT blind',
    purser: 'Purser',
    direct: 'no proxy',
    contenders: [
      direct(field),
      overWire(load, { name: 'net pipe', cpu_ms: plain.cpu_ms, way: { port: plain.port, heads, connect: connectTo(authority, '') } }),
      overWire(load, {
        name: 'Purser',
        cpu_ms: purser.cpu_ms,
        way: { port: purser.port, heads, connect: connectTo(authority, proxyAuthorization(session)) },
      }),
    ],
  }
}

export async function intercepted(field: Field): Promise<Contest> {
  const { origin, load, purser, sessions, tls } = field
  const plain = await plainProxy(field, ['intercepted', `${origin.tls}`, tls.cert, tls.key, tls.ca])
  const authority = `localhost:${origin.tls}`
  const heads = [`GET /data?n={n} HTTP/1.1\r\nHost: ${authority}\r\n${GET}`]
  const [session] = sessions
  if (!session) throw new Error('no session was opened')
  const inside = (caFile: string) => ({ heads, tls: { servername: 'localhost', caFile } })
  return {
    title: 'pass-through, CONNECT intercepted (TLS on both sides)',
    purser: 'Purser',
    direct: 'no proxy, TLS',
    contenders: [
      overWire(load, { name: 'no proxy, TLS', way: { port: origin.tls, ...inside(tls.ca) } }),
      overWire(load, {
        name: 'TLS server + undici dispatch',
        cpu_ms: plain.cpu_ms,
        way: { port: plain.port, connect: connectTo(authority, ''), ...inside(tls.ca) },
      }),
      overWire(load, {
        name: 'Purser',
        cpu_ms: purser.cpu_ms,
        way: { port: purser.port, connect: connectTo(authority, proxyAuthorization(session)), ...inside(purser.caFile) },
      }),
    ],
  }
}

export async function paid(field: Field): Promise<Contest> {
  const { origin, load, purser, sessions, started } = field
  const file = here('x402-fetch-process.ts')
  const alone = started.use(await startProcess({ file, core: MEASURED_CORE, ready: Nothing }))
  const behind = started.use(await startProcess({ file, args: ['--listen', `${origin.paid}`], core: MEASURED_CORE, ready: Port }))
  const url = `http://127.0.0.1:${origin.paid}/data`
  const absolute = sessions.map(
    (session) => `GET ${url}?n={n} HTTP/1.1\r\nHost: 127.0.0.1:${origin.paid}\r\n${proxyAuthorization(session)}${GET}`,
  )
  const named = sessions.map(
    ({ token }) => `GET /paid/data?n={n} HTTP/1.1\r\nHost: 127.0.0.1:${purser.port}\r\nPurser-Session: ${token}\r\n${GET}`,
  )
  const served = [`GET /data?n={n} HTTP/1.1\r\nHost: 127.0.0.1:${behind.ready.port}\r\n${GET}`]
  return {
    title: 'paid requests',
    purser: 'Purser, absolute form',
    contenders: [
      { name: '@x402/fetch alone', cpu_ms: alone.cpu_ms, run: (pace) => alone.ask({ url, ...pace }, Result) },
      overWire(load, { name: '@x402/fetch behind http', cpu_ms: behind.cpu_ms, way: { port: behind.ready.port, heads: served } }),
      overWire(load, { name: 'Purser, absolute form', cpu_ms: purser.cpu_ms, way: { port: purser.port, heads: absolute } }),
      overWire(load, { name: 'Purser, reverse', cpu_ms: purser.cpu_ms, way: { port: purser.port, heads: named } }),
    ],
  }
}
