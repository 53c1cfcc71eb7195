/** Who is measured against whom. In each contest all go the same way to the same origin, in turn. */
import { z } from 'zod'
import { type Job, Result } from './load.ts'
import type { Peer, Way } from './peers.ts'
import { LOAD_CORE, MEASURED_CORE, type Running, startProcess } from './processes.ts'
import type { PurserProcess, Session } from './purser-process.ts'
import { BODY_BYTES, CHANNEL_PATH, COSTLY_PATH, PATH_OF, type Size } from './sizes.ts'

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

/** A Purser with sessions open in it, as many as there are agents at most. */
export interface Variant {
  readonly name: string
  readonly purser: PurserProcess
  readonly sessions: readonly Session[]
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

/** Further contenders, and how long the bodies are. */
export interface Extent {
  readonly size?: Size
  readonly peers?: readonly Peer[]
  readonly variants?: readonly Variant[]
}

export const PURSER = 'Purser'

const Port = z.object({ port: z.number() })
const Nothing = z.object({})
const here = (file: string) => `${import.meta.dirname}/${file}`

const GET = 'Accept: */*\r\nUser-Agent: bench\r\n\r\n'
const basicOf = ({ id, token }: Session) => Buffer.from(`${id}:${token}`).toString('base64')
export const proxyAuthorization = (session: Session) => `Proxy-Authorization: Basic ${basicOf(session)}\r\n`

type Route = Pick<Job, 'port' | 'heads'> & Partial<Job>
interface Measured {
  readonly name: string
  readonly cpu_ms?: () => number
}

function overWire(load: Running<unknown>, { name, cpu_ms = () => Number.NaN }: Measured, way: Route): Contender {
  const job = { connect: null, tls: null, status: 200, bodyBytes: BODY_BYTES.small, ...way }
  return { name, cpu_ms, run: (pace: Pace) => load.ask({ ...job, ...pace }, Result) }
}

async function bareProxy({ started }: Field, args: readonly string[]) {
  const running = started.use(await startProcess({ file: here('plain-proxies.ts'), args, core: MEASURED_CORE, ready: Port }))
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

const ofWay = (peers: readonly Peer[] = [], way: Way) => peers.filter((peer) => peer.way === way)
const variantsOf = ({ purser, sessions }: Field, variants: readonly Variant[] = []) => [{ name: PURSER, purser, sessions }, ...variants]
const titleOf = (way: string, size: Size) => `${way}, ${size === 'small' ? '1 KB' : '1 MB'}`

function first(sessions: readonly Session[]): Session {
  const [session] = sessions
  if (!session) throw new Error('no session was opened')
  return session
}

export async function absoluteForm(field: Field, { size = 'small', peers, variants }: Extent = {}): Promise<Contest> {
  const { origin, load } = field
  const bare = await bareProxy(field, ['absolute', `${origin.plain}`])
  const head = (more: string) =>
    `GET http://127.0.0.1:${origin.plain}${PATH_OF[size]}?n={n} HTTP/1.1\r\nHost: 127.0.0.1:${origin.plain}\r\n${more}${GET}`
  const bodyBytes = BODY_BYTES[size]
  return {
    title: titleOf('pass-through, absolute form', size),
    purser: PURSER,
    direct: 'no proxy',
    contenders: [
      direct(field, size),
      overWire(load, { name: 'bare Node: http + undici', ...bare }, { port: bare.port, heads: [head('')], bodyBytes }),
      ...ofWay(peers, 'absolute').map((peer) => overWire(load, peer, { port: peer.port, heads: [head('')], bodyBytes })),
      ...variantsOf(field, variants).map(({ name, purser, sessions }) =>
        overWire(
          load,
          { name, cpu_ms: purser.cpu_ms },
          { port: purser.port, heads: sessions.map((session) => head(proxyAuthorization(session))), bodyBytes },
        ),
      ),
    ],
  }
}

export async function reverse(field: Field, { size = 'small', peers, variants }: Extent = {}): Promise<Contest> {
  const { origin, load } = field
  const bare = await bareProxy(field, ['reverse', `${origin.plain}`])
  const peer = await bareProxy(field, ['http-proxy-3', `${origin.plain}`])
  const head = (port: number, more = '', prefix = '') =>
    `GET ${prefix}${PATH_OF[size]}?n={n} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${more}${GET}`
  const bodyBytes = BODY_BYTES[size]
  const others = [{ name: 'bare Node: http + undici', ...bare }, { name: 'http-proxy-3', ...peer }, ...ofWay(peers, 'reverse')]
  return {
    title: titleOf('pass-through, reverse', size),
    purser: PURSER,
    direct: 'no proxy',
    contenders: [
      direct(field, size),
      ...others.map((one) => overWire(load, one, { port: one.port, heads: [head(one.port)], bodyBytes })),
      ...variantsOf(field, variants).map(({ name, purser, sessions }) => {
        const heads = sessions.map(({ token }) => head(purser.port, `Purser-Session: ${token}\r\n`, '/bench'))
        return overWire(load, { name, cpu_ms: purser.cpu_ms }, { port: purser.port, heads, bodyBytes })
      }),
    ],
  }
}

function direct({ load, origin }: Field, size: Size): Contender {
  const heads = [`GET ${PATH_OF[size]}?n={n} HTTP/1.1\r\nHost: 127.0.0.1:${origin.plain}\r\n${GET}`]
  return overWire(load, { name: 'no proxy' }, { port: origin.plain, heads, bodyBytes: BODY_BYTES[size] })
}

export const connectTo = (authority: string, more: string) => `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${more}\r\n`

export async function blindConnect(field: Field, { size = 'small', peers, variants }: Extent = {}): Promise<Contest> {
  const { origin, load } = field
  const bare = await bareProxy(field, ['connect'])
  const authority = `127.0.0.1:${origin.plain}`
  const heads = [`GET ${PATH_OF[size]}?n={n} HTTP/1.1\r\nHost: ${authority}\r\n${GET}`]
  const common = { heads, bodyBytes: BODY_BYTES[size] }
  return {
    title: titleOf('pass-through, CONNECT blind', size),
    purser: PURSER,
    direct: 'no proxy',
    contenders: [
      direct(field, size),
      overWire(load, { name: 'bare Node: sockets piped', ...bare }, { port: bare.port, connect: connectTo(authority, ''), ...common }),
      ...ofWay(peers, 'blind').map((peer) =>
        overWire(load, peer, { port: peer.port, connect: peer.isTransparent ? null : connectTo(authority, ''), ...common }),
      ),
      ...variantsOf(field, variants).map(({ name, purser, sessions }) => {
        const connect = connectTo(authority, proxyAuthorization(first(sessions)))
        return overWire(load, { name, cpu_ms: purser.cpu_ms }, { port: purser.port, connect, ...common })
      }),
    ],
  }
}

export async function intercepted(field: Field, { size = 'small', peers, variants }: Extent = {}): Promise<Contest> {
  const { origin, load, tls } = field
  const bare = await bareProxy(field, ['intercepted', `${origin.tls}`, tls.cert, tls.key, tls.ca])
  const authority = `localhost:${origin.tls}`
  const heads = [`GET ${PATH_OF[size]}?n={n} HTTP/1.1\r\nHost: ${authority}\r\n${GET}`]
  const inside = (caFile: string) => ({ heads, bodyBytes: BODY_BYTES[size], tls: { servername: 'localhost', caFile } })
  const others = [{ name: 'bare Node: TLS + undici', caFile: tls.ca, isTransparent: false, ...bare }, ...ofWay(peers, 'intercepted')]
  return {
    title: titleOf('pass-through, CONNECT intercepted', size),
    purser: PURSER,
    direct: 'no proxy, TLS',
    contenders: [
      overWire(load, { name: 'no proxy, TLS' }, { port: origin.tls, ...inside(tls.ca) }),
      ...others.map((one) =>
        overWire(load, one, { port: one.port, connect: one.isTransparent ? null : connectTo(authority, ''), ...inside(one.caFile) }),
      ),
      ...variantsOf(field, variants).map(({ name, purser, sessions }) => {
        const connect = connectTo(authority, proxyAuthorization(first(sessions)))
        return overWire(load, { name, cpu_ms: purser.cpu_ms }, { port: purser.port, connect, ...inside(purser.caFile) })
      }),
    ],
  }
}

const paidHead =
  ({ origin }: Field, path: string) =>
  (session: Session) =>
    `GET http://127.0.0.1:${origin.paid}${path}?n={n} HTTP/1.1\r\nHost: 127.0.0.1:${origin.paid}\r\n${proxyAuthorization(session)}${GET}`

/** The origin answers 402 first; what pays, pays, and every answer is the paid one. */
export async function paid(field: Field, { variants }: Extent = {}): Promise<Contest> {
  const { origin, load, purser, sessions, started } = field
  const file = here('x402-fetch-process.ts')
  const alone = started.use(await startProcess({ file, core: MEASURED_CORE, ready: Nothing }))
  const behind = started.use(await startProcess({ file, args: ['--listen', `${origin.paid}`], core: MEASURED_CORE, ready: Port }))
  const bareFile = here('plain-payer.ts')
  const bare = started.use(await startProcess({ file: bareFile, args: [`${origin.paid}`], core: MEASURED_CORE, ready: Port }))
  const url = `http://127.0.0.1:${origin.paid}/data`
  const named = sessions.map(
    ({ token }) => `GET /paid/data?n={n} HTTP/1.1\r\nHost: 127.0.0.1:${purser.port}\r\nPurser-Session: ${token}\r\n${GET}`,
  )
  const servedAt = (port: number) => ({ port, heads: [`GET /data?n={n} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${GET}`] })
  return {
    title: 'paid requests',
    purser: PURSER,
    contenders: [
      { name: '@x402/fetch alone', cpu_ms: alone.cpu_ms, run: (pace) => alone.ask({ url, ...pace }, Result) },
      overWire(load, { name: '@x402/fetch behind http', cpu_ms: behind.cpu_ms }, servedAt(behind.ready.port)),
      overWire(load, { name: 'bare Node: undici, native signing, no ledger', cpu_ms: bare.cpu_ms }, servedAt(bare.ready.port)),
      ...variantsOf(field, variants).map((variant) => {
        const heads = variant.sessions.map(paidHead(field, PATH_OF.small))
        return overWire(load, { name: variant.name, cpu_ms: variant.purser.cpu_ms }, { port: variant.purser.port, heads })
      }),
      overWire(load, { name: 'Purser, reverse', cpu_ms: purser.cpu_ms }, { port: purser.port, heads: named }),
    ],
  }
}

/** One program, paid for each request by itself, and by a voucher. */
export function vouchers(field: Field, { name, purser, sessions }: Variant): Contest {
  const of = (path: string) => ({ port: purser.port, heads: sessions.map(paidHead(field, path)) })
  return {
    title: `by channel, ${name}`,
    purser: PURSER,
    contenders: [
      overWire(field.load, { name: 'Purser, exact, one by one', cpu_ms: purser.cpu_ms }, of(PATH_OF.small)),
      overWire(field.load, { name: PURSER, cpu_ms: purser.cpu_ms }, of(CHANNEL_PATH)),
    ],
  }
}

/** The origin asks more than the policy allows, so that nothing is paid; peers pass its 402 on. */
export async function refusals(field: Field, { peers }: Extent = {}): Promise<Contest> {
  const { origin, load, purser, sessions } = field
  const bare = await bareProxy(field, ['absolute', `${origin.paid}`])
  const passed = [`GET http://127.0.0.1:${origin.paid}${COSTLY_PATH}?n={n} HTTP/1.1\r\nHost: 127.0.0.1:${origin.paid}\r\n${GET}`]
  const others = [{ name: 'bare Node: http + undici, passes the 402 on', ...bare }, ...ofWay(peers, 'absolute')]
  return {
    title: 'refusals: an offer beyond every tier',
    purser: PURSER,
    contenders: [
      ...others.map((one) => overWire(load, one, { port: one.port, heads: passed, status: 402, bodyBytes: -1 })),
      overWire(
        load,
        { name: PURSER, cpu_ms: purser.cpu_ms },
        { port: purser.port, heads: sessions.map(paidHead(field, COSTLY_PATH)), status: 403, bodyBytes: -1 },
      ),
    ],
  }
}
