/**
 * A door in front of an official server that meddles with what is paid. It knows no protocol of payments: a new challenge is
 * the server's own, which it gets by asking without the payment, and other terms are those of another official server.
 */
import { type IncomingMessage, type ServerResponse, request as startPlain } from 'node:http'
import { request as startSecure } from 'node:https'
import type { TestTls } from './certificates.ts'
import { breakOff, openDoors, readBody } from './doors.ts'

/** What becomes of a payment that comes; without a plan it reaches the server, and the server's answer the payer. */
export type Deed =
  /** It is kept from the server, and answered by the server's challenge once more, by one with other terms, or by a 503. */
  | 'ask again'
  | 'ask otherwise'
  | 'keep'
  /** The server has it and answers, and the payer gets a challenge, an error, or nothing instead. */
  | 'pass, then ask again'
  | 'pass, then ask otherwise'
  | 'pass, then 403'
  /** With all that the server says, of the settlement too. */
  | 'pass, then 403 with its words'
  | 'pass, then 500'
  | 'pass, then reset'

/** A request as it arrived. */
export interface Message {
  readonly method: string
  /** Path and query. */
  readonly target: string
  /** [name, value, …] */
  readonly headers: readonly string[]
  readonly body: Buffer
}

/** Where a rail's payments are in a request. */
export interface Carrier {
  /** The payment's bytes; undefined where there is none. */
  find(message: Message): string | undefined
  /** The same request without it. */
  remove(message: Message): Message
}

export interface MeddlerPlan {
  readonly carrier: Carrier
  /** Origin of the official server, plain or over TLS. */
  readonly server: string
  /** Who asks for something else for the same thing, and the target by which it is asked. */
  readonly other: { readonly server: string; readonly target?: string }
  readonly tls: TestTls
}

export interface Meddler extends AsyncDisposable {
  /** `https://localhost:port` */
  readonly url: string
  /** For the payments that come next, in this order. */
  plan(...deeds: readonly Deed[]): void
  /** What no payment has met yet. */
  readonly planned: readonly Deed[]
  /** All payments that came, in order. */
  readonly payments: readonly string[]
  /** Hands the server a payment that came, though its payer asks for nothing now. */
  handIn(payment: string): Promise<{ readonly status: number; readonly body: string }>
}

interface Answer {
  readonly status: number
  readonly headers: readonly string[]
  readonly body: Buffer
}

interface Door {
  readonly plan: MeddlerPlan
  readonly deeds: Deed[]
  readonly payments: string[]
  readonly messages: Map<string, Message>
}

export async function startMeddler(plan: MeddlerPlan): Promise<Meddler> {
  const door: Door = { plan, deeds: [], payments: [], messages: new Map() }
  const doors = await openDoors((request, response) => {
    meet(door, request, response).catch(() => response.destroy())
  }, plan.tls)
  return {
    ...{ url: doors.httpsUrl, planned: door.deeds, payments: door.payments },
    plan: (...deeds) => void door.deeds.push(...deeds),
    handIn: async (payment) => {
      const message = door.messages.get(payment)
      if (!message) throw new Error('this payment never came')
      const { status, body } = await forward(plan, plan.server, message)
      return { status, body: body.toString() }
    },
    [Symbol.asyncDispose]: () => doors[Symbol.asyncDispose](),
  }
}

async function meet({ plan, deeds, payments, messages }: Door, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = 'GET', url: target = '/', rawHeaders: headers } = request
  const message = { method, target, headers, body: await readBody(request) }
  const payment = plan.carrier.find(message)
  if (payment === undefined) return send(response, await forward(plan, plan.server, message))
  payments.push(payment)
  messages.set(payment, message)
  const answer = await answerTo(plan, deeds.shift(), message)
  if (answer) send(response, answer)
  else breakOff(response)
}

/** @returns undefined where the connection is to be broken off */
async function answerTo(plan: MeddlerPlan, deed: Deed | undefined, message: Message): Promise<Answer | undefined> {
  const passed = deed === undefined || deed.startsWith('pass') ? await forward(plan, plan.server, message) : undefined
  const unpaid = plan.carrier.remove(message)
  switch (deed) {
    case undefined:
      return passed
    case 'ask again':
    case 'pass, then ask again':
      return forward(plan, plan.server, unpaid)
    case 'ask otherwise':
    case 'pass, then ask otherwise':
      return forward(plan, plan.other.server, { ...unpaid, target: plan.other.target ?? unpaid.target })
    case 'keep':
      return failure(503)
    case 'pass, then 403':
      return failure(403)
    case 'pass, then 403 with its words':
      return passed && { ...passed, status: 403 }
    case 'pass, then 500':
      return failure(500)
    case 'pass, then reset':
      return undefined
  }
}

function failure(status: number): Answer {
  return { status, headers: ['content-type', 'text/plain'], body: Buffer.from(`error ${status}`) }
}

function forward({ tls }: MeddlerPlan, server: string, { method, target, headers, body }: Message): Promise<Answer> {
  const start = server.startsWith('https:') ? startSecure : startPlain
  const options = { method, headers: withLength(headers, body), ca: tls.ca, agent: false }
  return new Promise((resolve, reject) => {
    const asking = start(new URL(target, server), options, (answer) => {
      const { statusCode: status = 0, rawHeaders } = answer
      readBody(answer).then((whole) => resolve({ status, headers: rawHeaders, body: whole }), reject)
    })
    asking.on('error', reject)
    asking.end(body)
  })
}

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, withLength(headers, body)).end(body)
}

const OF_A_CONNECTION = /^(connection|keep-alive|transfer-encoding|content-length)$/i

function withLength(headers: readonly string[], body: Buffer): string[] {
  const kept = headers.flatMap((name, at) => (at % 2 === 0 && !OF_A_CONNECTION.test(name) ? [name, headers[at + 1] ?? ''] : []))
  return [...kept, 'content-length', String(body.length)]
}

/** Payments in a header of their own; `scheme` where the header has other uses too. */
export function inHeader(name: string, scheme = ''): Carrier {
  const isIt = ({ headers }: Message, at: number) =>
    at % 2 === 0 && headers[at]?.toLowerCase() === name && (headers[at + 1] ?? '').startsWith(scheme)
  return {
    find: (message) => message.headers.find((_, at) => at % 2 === 1 && isIt(message, at - 1)),
    remove: (message) => ({ ...message, headers: message.headers.filter((_, at) => !isIt(message, at - (at % 2))) }),
  }
}
