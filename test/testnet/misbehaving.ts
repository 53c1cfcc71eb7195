/**
 * A paid server of our own that misbehaves by the path it is asked for: /v1/<mode>/… and /v2/<mode>/… ask properly and
 * misbehave when paid; /v1/challenge/<name>/… and /v2/challenge/<name>/… ask wrongly and serve honestly when paid. What
 * follows is up to the test and keeps its counts apart. Query: amount (atomic), payTo, window (seconds), again.
 *
 * again: what a payment after the first one on this path gets. serve (default): the same authorization gets what it paid
 * for, a new one is settled and served; reject: the 402 of an official server for a used nonce; fault: the misdeed again.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Hex } from 'viem'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { z } from 'zod'
import { BEHAVIOURS, isMode, type Mode, type PaidExchange, type Settled } from './behaviours.ts'
import { CHALLENGES } from './challenges.ts'
import { breakOff, type Doors, openDoors, type SeenRequest } from './doors.ts'
import type { Testnet } from './testnet.ts'
import { challengeOf, PAYMENT_HEADER, type Payment, paymentIn, RESULT_HEADER, type Terms, type Version, type WireAnswer } from './wire.ts'

/** What happened on one path (without its query). */
export interface PathRecord {
  readonly requests: number
  /** Every payment that was presented, repeats included, in order. */
  readonly payments: readonly Payment[]
  /** Distinct authorization nonces among them. */
  readonly nonces: ReadonlySet<Hex>
  /** Payments that the facilitator says it settled. */
  readonly settlements: readonly { readonly nonce: Hex; readonly transaction: string; readonly value: bigint }[]
}

export interface Misbehaving extends AsyncDisposable {
  readonly url: string
  readonly httpsUrl: string
  /** Whom it lets itself be paid, and whom it names instead in `settle-402-other-payee`. */
  readonly payTo: Hex
  readonly otherPayTo: Hex
  /** Another origin: the redirects lead there, and it keeps what it gets. */
  readonly elsewhere: { readonly url: string; readonly httpsUrl: string; readonly requests: readonly SeenRequest[] }
  readonly requests: readonly SeenRequest[]
  record(path: string): PathRecord
  /** Resolves when a request on this path is being held. */
  held(path: string): Promise<void>
  /** Lets go what is held on this path, and resolves when the server has done what it held back. */
  release(path: string): Promise<void>
}

interface Path {
  requests: number
  readonly payments: Payment[]
  readonly nonces: Set<Hex>
  readonly settlements: { nonce: Hex; transaction: string; value: bigint }[]
  /** By nonce. */
  readonly results: Map<Hex, Promise<Settled>>
  readonly arrival: PromiseWithResolvers<void>
  readonly gate: PromiseWithResolvers<void>
  readonly work: Set<Promise<void>>
}

interface Server {
  readonly testnet: Testnet
  readonly payTo: Hex
  readonly otherPayTo: Hex
  readonly elsewhere: Doors
  path(name: string): Path
}

export async function startMisbehaving(testnet: Testnet): Promise<Misbehaving> {
  const paths = new Map<string, Path>()
  const elsewhere = await openDoors((_, response) => void response.end('{"elsewhere":true}'), testnet.tls)
  const server: Server = {
    testnet,
    payTo: privateKeyToAddress(generatePrivateKey()),
    otherPayTo: privateKeyToAddress(generatePrivateKey()),
    elsewhere,
    path: (name) => paths.get(name) ?? remember(paths, name),
  }
  const doors = await openDoors((request, response) => handle(server, request, response), testnet.tls)
  return {
    ...{
      url: doors.url,
      httpsUrl: doors.httpsUrl,
      requests: doors.requests,
      elsewhere,
      payTo: server.payTo,
      otherPayTo: server.otherPayTo,
    },
    record: (path) => server.path(path),
    held: (path) => server.path(path).arrival.promise,
    release: async (path) => {
      const { gate, work } = server.path(path)
      gate.resolve()
      await Promise.all(work)
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([doors[Symbol.asyncDispose](), elsewhere[Symbol.asyncDispose]()])
    },
  }
}

/** Requests that carry a payment header of either version. */
export function withPayments(requests: readonly SeenRequest[]): SeenRequest[] {
  const names = new Set<string>(Object.values(PAYMENT_HEADER))
  return requests.filter(({ headers }) => headers.some((name, i) => i % 2 === 0 && names.has(name.toLowerCase())))
}

function remember(paths: Map<string, Path>, name: string): Path {
  const arrival = Promise.withResolvers<void>()
  const gate = Promise.withResolvers<void>()
  const path: Path = { requests: 0, payments: [], nonces: new Set(), settlements: [], results: new Map(), arrival, gate, work: new Set() }
  paths.set(name, path)
  return path
}

/** What one request asks for, read from its target. */
interface Asked {
  readonly version: Version
  readonly kind: { readonly mode: Mode } | { readonly challenge: string }
  readonly again: 'serve' | 'reject' | 'fault'
  readonly terms: Terms
  readonly secure: boolean
}

const againSchema = z.enum(['serve', 'reject', 'fault']).catch('serve')

function read(server: Server, request: IncomingMessage): Asked | undefined {
  const secure = 'encrypted' in request.socket
  const url = new URL(request.url ?? '/', `${secure ? 'https' : 'http'}://${request.headers.host ?? 'localhost'}`)
  const [, family, first = '', second = ''] = url.pathname.split('/')
  const version = family === 'v1' ? 1 : family === 'v2' ? 2 : undefined
  if (version === undefined) return undefined
  const terms = {
    amount: url.searchParams.get('amount') ?? '1000',
    payTo: url.searchParams.get('payTo') ?? server.payTo,
    window_s: Number(url.searchParams.get('window') ?? 60),
    resource: url.href,
  }
  const common = { version, terms, secure, again: againSchema.parse(url.searchParams.get('again')) } as const
  if (first === 'challenge' && CHALLENGES[second]?.versions.includes(version)) return { ...common, kind: { challenge: second } }
  return isMode(first) ? { ...common, kind: { mode: first } } : undefined
}

function handle(server: Server, request: IncomingMessage, response: ServerResponse): void {
  request.resume()
  const asked = read(server, request)
  if (!asked) {
    send(response, { status: 404, headers: ['content-type', 'text/plain'], body: 'no such misdeed' })
    return
  }
  const name = (request.url ?? '').split('?')[0] ?? ''
  const path = server.path(name)
  path.requests += 1
  const payment = paymentIn(request, asked.version)
  if (payment) take({ server, path, name, asked, payment, response })
  else ask(asked, request, response)
}

function take(parts: ExchangeParts): void {
  const { path, asked, payment, response } = parts
  const repeat = path.payments.length > 0
  path.payments.push(payment)
  path.nonces.add(payment.nonce)
  const forget = () => void path.work.delete(work)
  const work = act({ asked, repeat, exchange: exchangeOf(parts) }).then(forget, () => {
    response.destroy()
    forget()
  })
  path.work.add(work)
}

function ask({ kind, version, terms }: Asked, request: IncomingMessage, response: ServerResponse): void {
  const browser = /mozilla/i.test(request.headers['user-agent'] ?? '') && (request.headers.accept ?? '').includes('text/html')
  const answer = 'mode' in kind ? challengeOf(version, terms) : CHALLENGES[kind.challenge]?.build(version, terms, browser)
  if (answer === 'endless') sendEndlessly(response)
  else if (answer) send(response, answer)
}

async function act({ asked, repeat, exchange }: { asked: Asked; repeat: boolean; exchange: PaidExchange }): Promise<void> {
  const misdeed = 'mode' in asked.kind ? BEHAVIOURS[asked.kind.mode] : BEHAVIOURS.clean
  if (!repeat || asked.again === 'fault') return misdeed(exchange)
  if (asked.again === 'reject') return exchange.challenge({}, 'invalid_exact_evm_nonce_already_used')
  return BEHAVIOURS.clean(exchange)
}

interface ExchangeParts {
  readonly server: Server
  readonly path: Path
  readonly name: string
  readonly asked: Asked
  readonly payment: Payment
  readonly response: ServerResponse
}

function exchangeOf({ server, path, name, asked, payment, response }: ExchangeParts): PaidExchange {
  const { version, terms } = asked
  const challenge: PaidExchange['challenge'] = (changes = {}, error = undefined, headers = []) => {
    const answer = challengeOf(version, { ...terms, ...changes }, error)
    send(response, { ...answer, headers: [...answer.headers, ...headers] })
  }
  const settleOnce = async (): Promise<Settled> => {
    const settled = await callFacilitator(server.testnet, payment)
    if (settled.success) path.settlements.push({ nonce: payment.nonce, transaction: settled.transaction, value: payment.value })
    return settled
  }
  return {
    version,
    terms,
    elsewhere: asked.secure ? server.elsewhere.httpsUrl : server.elsewhere.url,
    otherPayTo: server.otherPayTo,
    settle: () => {
      const result = path.results.get(payment.nonce) ?? settleOnce()
      path.results.set(payment.nonce, result)
      return result
    },
    settleAgain: settleOnce,
    hold: () => {
      path.arrival.resolve()
      return path.gate.promise
    },
    serve: (settled) => (settled.success ? send(response, served(version, name, settled)) : challenge({}, settled.errorReason)),
    challenge,
    send: (answer) => send(response, answer),
    reset: () => breakOff(response),
    cut: (settled) => sendHalf(response, served(version, name, settled)),
  }
}

function served(version: Version, name: string, settled: Settled): WireAnswer {
  const result = Buffer.from(JSON.stringify(settled)).toString('base64')
  const headers = ['content-type', 'application/json', RESULT_HEADER[version], result]
  return { status: 200, headers, body: JSON.stringify({ served: name }) }
}

const settledSchema = z.object({
  success: z.boolean(),
  transaction: z.string(),
  network: z.string(),
  payer: z.string().optional(),
  errorReason: z.string().optional(),
})

async function callFacilitator(testnet: Testnet, payment: Payment): Promise<Settled> {
  const body = JSON.stringify(payment.settleCall)
  const response = await fetch(`${testnet.facilitatorUrl}/settle`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json' },
  })
  return settledSchema.parse(await response.json())
}

function send(response: ServerResponse, { status, headers, body }: WireAnswer): void {
  const length = ['content-length', String(Buffer.byteLength(body))]
  response.writeHead(status, [...headers, ...length]).end(body)
}

/** The head promises the whole body; half of it comes, then a reset. */
function sendHalf(response: ServerResponse, { status, headers, body }: WireAnswer): void {
  const bytes = Buffer.from(body)
  response.writeHead(status, [...headers, 'content-length', String(bytes.length)])
  response.write(bytes.subarray(0, bytes.length >> 1), () => breakOff(response))
}

function sendEndlessly(response: ServerResponse): void {
  const blanks = Buffer.alloc(64 * 1024, ' ')
  const pump = () => {
    while (!response.destroyed && response.write(blanks));
  }
  response.writeHead(402, { 'content-type': 'application/json' })
  response.on('drain', pump)
  pump()
}
