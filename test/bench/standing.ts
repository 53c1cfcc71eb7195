/** What the program takes before it does anything: its start, its memory at rest, and memory for each idle connection. */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createConnection, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext, type SecureContext } from 'node:tls'
import { connectTo, type Field, PURSER, proxyAuthorization } from './contests.ts'
import type { Peer } from './peers.ts'
import { type PurserOptions, startPurserProcess } from './purser-process.ts'
import { shown, type Table } from './report.ts'
import { median } from './statistics.ts'

const STARTS = 7
const REST_MS = 2_000
const NEW_HOSTS = 100
const MIB = 1_048_576
const CONNECTIONS_AT_ONCE = 250
const ADDRESSES = 20

export interface StandingOptions {
  readonly field: Field
  readonly peers: readonly Peer[]
  readonly plan: PurserOptions
  readonly connections: number
  readonly sessions: number
}

export async function standing(options: StandingOptions): Promise<readonly Table[]> {
  return [await startTable(options), await memoryTable(options), await newHostTable(options)]
}

const rest = () => new Promise((resolve) => setTimeout(resolve, REST_MS))

/** From the spawn to an answer of the proxy's; each start has a data folder of its own that is there already. */
async function startTable({ plan }: StandingOptions): Promise<Table> {
  const took: number[] = []
  const resident: number[] = []
  for (let n = 0; n <= STARTS; n++) {
    const started = performance.now()
    await using purser = await startPurserProcess({ ...plan, name: 'start' })
    const answer = await fetch(new URL('/healthz', purser.adminUrl))
    if (answer.status !== 200) throw new Error(`/healthz answered ${answer.status}`)
    await answer.arrayBuffer()
    if (n === 0) continue
    took.push(performance.now() - started)
    await rest()
    resident.push(purser.rss_bytes() / MIB)
  }
  return {
    rows: [
      [`start, median of ${STARTS}`, 'aim', 'this run'],
      ['from the spawn to the first answer, ms', '< 400', shown(median(took), 0)],
      [`resident after ${REST_MS / 1000} s at rest, MiB`, '< 120', shown(median(resident), 0)],
    ],
  }
}

/** Connections come from several loopback addresses, which have enough ports together. Each kind has a process of its own. */
async function memoryTable({ plan, connections, sessions }: StandingOptions): Promise<Table> {
  const kinds = {
    'asked once in absolute form': idlePlain,
    'intercepted, handshake done': idleIntercepted,
    'blind tunnels, both sides': idleTunnel,
  }
  const rows: string[][] = []
  for (const [name, open] of Object.entries(kinds)) {
    // A tunnel takes two descriptors of the proxy, and many machines give a process no more than twenty thousand.
    const many = open === idleTunnel ? connections / 2 : connections
    rows.push(await idleRow({ plan, connections: many, name, open }))
  }
  await using purser = await startPurserProcess({ ...plan, name: 'memory' })
  await rest()
  const before = purser.rss_bytes()
  await purser.openSessions(sessions)
  await rest()
  rows.push(memoryRow(`${sessions} sessions opened`, { before, after: purser.rss_bytes(), count: sessions }))
  return { rows: [['resident memory', 'MiB before', 'MiB after', 'bytes each'], ...rows] }
}

interface Idle {
  readonly plan: PurserOptions
  readonly connections: number
  readonly name: string
  readonly open: (door: Door, at: number) => Promise<Socket>
}

/** What an idle connection needs to know. */
interface Door {
  readonly port: number
  /** The header that names the session. */
  readonly basic: string
  readonly trust: SecureContext
  readonly origin: PurserOptions['origin']
}

async function idleRow({ plan, connections, name, open }: Idle): Promise<string[]> {
  await using purser = await startPurserProcess({ ...plan, name: 'memory' })
  const [session] = await purser.openSessions(1)
  const trust = createSecureContext({ ca: await readFile(purser.caFile) })
  const door = { port: purser.port, basic: session ? proxyAuthorization(session) : '', trust, origin: plan.origin }
  const sockets: Socket[] = [await open(door, 0)]
  await rest()
  const before = purser.rss_bytes()
  while (sockets.length < connections) {
    const length = Math.min(CONNECTIONS_AT_ONCE, connections - sockets.length)
    sockets.push(...(await Promise.all(Array.from({ length }, (_, n) => open(door, sockets.length + n)))))
  }
  await rest()
  const after = purser.rss_bytes()
  for (const socket of sockets) socket.destroy()
  return memoryRow(`${connections} idle connections of agents: ${name}`, { before, after, count: connections })
}

function memoryRow(name: string, { before, after, count }: { before: number; after: number; count: number }): string[] {
  return [name, shown(before / MIB, 1), shown(after / MIB, 1), shown((after - before) / count, 0)]
}

async function dial(port: number, at: number): Promise<Socket> {
  const socket = createConnection({ port, host: '127.0.0.1', localAddress: `127.0.2.${(at % ADDRESSES) + 1}` })
  await once(socket, 'connect')
  socket.on('error', () => undefined)
  return socket
}

/** One that has asked once and keeps its connection. */
async function idlePlain({ port }: Door, at: number): Promise<Socket> {
  const socket = await dial(port, at)
  socket.write('GET http://127.0.0.1/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
  await once(socket, 'data')
  return socket
}

async function idleTunnel({ port, basic, origin }: Door, at: number): Promise<Socket> {
  return tunnelled({ port, basic, authority: `127.0.0.1:${origin.plain}` }, at)
}

async function idleIntercepted({ port, basic, trust, origin }: Door, at: number): Promise<Socket> {
  const socket = await tunnelled({ port, basic, authority: `localhost:${origin.tls}` }, at)
  const secure = connectTls({ socket, servername: 'localhost', secureContext: trust, ALPNProtocols: ['http/1.1'] })
  secure.on('error', () => undefined)
  await once(secure, 'secureConnect')
  return secure.resume()
}

async function tunnelled({ port, basic, authority }: { port: number; basic: string; authority: string }, at: number): Promise<Socket> {
  const socket = await dial(port, at)
  socket.write(connectTo(authority, basic))
  const [answer] = await once(socket, 'data')
  if (!/^HTTP\/1\.1 200/.test(String(answer))) throw new Error(`CONNECT was answered with:\n${answer}`)
  return socket
}

/** Processor time of a CONNECT with its handshake: to hosts that were never seen, and to one that was. */
async function newHostTable({ field, peers }: StandingOptions): Promise<Table> {
  const [session] = field.sessions
  const basic = session ? proxyAuthorization(session) : ''
  const others = peers.filter(({ way, isTransparent }) => way === 'intercepted' && !isTransparent)
  const all = [{ name: PURSER, port: field.purser.port, cpu_ms: field.purser.cpu_ms, caFile: field.purser.caFile, basic }]
  const rows: string[][] = []
  for (const proxy of [...all, ...others.map((one) => ({ ...one, basic: '' }))]) {
    const cost = async (nameOf: (n: number) => string) => {
      const before = proxy.cpu_ms()
      for (let n = 0; n < NEW_HOSTS; n++) await shakeHands(proxy, nameOf(n), field.origin.tls)
      return (proxy.cpu_ms() - before) / NEW_HOSTS
    }
    try {
      await cost((n) => `warm-${n}.example`)
      const fresh = await cost((n) => `new-${n}.example`)
      const known = await cost(() => 'new-0.example')
      rows.push([proxy.name, shown(fresh, 2), shown(known, 2), shown(fresh - known, 2)])
    } catch (fault) {
      rows.push([`${proxy.name}: ${fault instanceof Error ? fault.message : fault}`, '-', '-', '-'])
    }
  }
  return { rows: [['CONNECT and handshake, CPU ms', 'new host', 'known host', 'for being new'], ...rows] }
}

interface Intercepting {
  readonly port: number
  readonly basic: string
  readonly caFile: string
}

async function shakeHands({ port, basic, caFile }: Intercepting, host: string, hostPort: number): Promise<void> {
  const socket = createConnection({ port, host: '127.0.0.1' })
  try {
    await once(socket, 'connect')
    socket.write(`CONNECT ${host}:${hostPort} HTTP/1.1\r\nHost: ${host}:${hostPort}\r\n${basic}\r\n`)
    const [answer] = await once(socket, 'data')
    if (!/^HTTP\/1\.[01] 200/.test(String(answer))) throw new Error('refuses hosts that have no address')
    // The name may be another where a proxy has one fixed certificate; who signed it is checked.
    const secure = connectTls({ socket, servername: host, ca: await readFile(caFile), checkServerIdentity: () => undefined })
    await once(secure, 'secureConnect', { signal: AbortSignal.timeout(5_000) })
  } finally {
    socket.destroy()
  }
}
