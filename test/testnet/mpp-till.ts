/**
 * A till of our own that asks by MPP and misbehaves by the path it is asked for: /<mode>/… What follows is up to the test
 * and keeps its counts apart. Challenges are spelled and credentials are read by the official library; what was paid goes
 * to the testnet's facilitator, where the mode lets it. A payment after the first one on a path gets what it paid for.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Challenge, Credential, Receipt } from 'mppx'
import type { Hex } from 'viem'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { z } from 'zod'
import { NETWORK, USDC } from './chain.ts'
import { breakOff, openDoors, type SeenRequest } from './doors.ts'
import type { Testnet } from './testnet.ts'

const text = z.string()
const hex = z.templateLiteral(['0x', z.string()])
const payloadSchema = z.object({ from: hex, to: hex, nonce: hex, signature: hex, value: text, validAfter: text, validBefore: text })
type Payload = z.infer<typeof payloadSchema>

interface Visit {
  readonly till: Till
  readonly path: string
  readonly payload: Payload
  readonly response: ServerResponse
}

interface Till {
  readonly facilitatorUrl: string
  readonly secretKey: string
  readonly payTo: Hex
  readonly otherPayTo: Hex
  readonly elsewhere: string
  /** Nonces that were presented, by path, in order. */
  readonly presented: Map<string, Hex[]>
}

/** What the till does when it is paid for the first time. */
const MODES: Record<string, (visit: Visit) => Promise<void>> = {
  clean: (visit) => serve(visit),
  'verify-402': async (visit) => ask(visit),
  'settle-402': async (visit) => {
    await take(visit)
    ask(visit)
  },
  'settle-402-other-terms': async (visit) => {
    await take(visit)
    ask(visit, { amount: '10000', recipient: visit.till.otherPayTo })
  },
  'settle-500': async (visit) => {
    await take(visit)
    visit.response.writeHead(500).end('{}')
  },
  'settle-reset': async (visit) => {
    await take(visit)
    breakOff(visit.response)
  },
  'settle-redirect': async (visit) => {
    await take(visit)
    visit.response.writeHead(307, { location: `${visit.till.elsewhere}/collect` }).end()
  },
  'settle-silent': async (visit) => {
    await take(visit)
    visit.response.writeHead(200, { 'content-type': 'application/json' }).end('{"sold":true}')
  },
  'settle-denied': async (visit) => {
    visit.response.writeHead(503, { 'payment-receipt': receiptOf(await take(visit)) }).end('{}')
  },
}

/** What the till asks for; each is refused before anything is signed. */
const CHALLENGES: Record<string, (till: Till) => Record<string, unknown>> = {
  expired: () => ({ expires: new Date(Date.now() - 1_000).toISOString() }),
  endless: () => ({ expires: undefined }),
  cookie: () => ({ header: 'Cookie' }),
  body: () => ({ digest: `sha-256=${'A'.repeat(43)}=` }),
  session: () => ({ intent: 'session' }),
  split: (till) => ({ request: request(till, { splits: [{ amount: '1', recipient: till.otherPayTo }] }) }),
  sponsored: (till) => ({ request: request(till, { feePayer: true }) }),
  mainnet: (till) => ({ request: request(till, { chainId: 8453 }) }),
  decimals: (till) => ({ request: request(till, { decimals: 18 }) }),
}
export const MISDEEDS = Object.keys(MODES)
export const REFUSED = Object.keys(CHALLENGES)

export interface MppTill extends AsyncDisposable {
  /** `https://localhost:port` */
  readonly url: string
  readonly payTo: Hex
  /** Another origin, where the redirect leads. */
  readonly elsewhere: readonly SeenRequest[]
  /** Nonces that were presented on this path, in order. */
  presented(path: string): readonly Hex[]
}

export async function startMppTill(testnet: Testnet): Promise<MppTill> {
  const elsewhere = await openDoors((_, response) => void response.end('{}'), testnet.tls)
  const keys = { payTo: privateKeyToAddress(generatePrivateKey()), otherPayTo: privateKeyToAddress(generatePrivateKey()) }
  const till: Till = {
    ...keys,
    facilitatorUrl: testnet.facilitatorUrl,
    secretKey: randomBytes(32).toString('base64'),
    elsewhere: elsewhere.httpsUrl,
    presented: new Map(),
  }
  const doors = await openDoors((request, response) => {
    handle(till, request, response).catch(() => response.destroy())
  }, testnet.tls)
  return {
    ...{ url: doors.httpsUrl, payTo: till.payTo, elsewhere: elsewhere.requests, presented: (path) => till.presented.get(path) ?? [] },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([doors[Symbol.asyncDispose](), elsewhere[Symbol.asyncDispose]()])
    },
  }
}

function handle(till: Till, request: IncomingMessage, response: ServerResponse): Promise<void> {
  request.resume()
  const path = request.url ?? '/'
  const mode = path.split('/')[1] ?? ''
  const { authorization = '' } = request.headers
  if (!authorization.startsWith('Payment ')) return Promise.resolve(ask({ till, response }, CHALLENGES[mode]?.(till)))
  const payload = payloadSchema.parse(Credential.deserialize(authorization).payload)
  const before = till.presented.get(path) ?? []
  till.presented.set(path, [...before, payload.nonce])
  const visit = { till, path, payload, response }
  return before.length > 0 ? serve(visit) : (MODES[mode] ?? serve)(visit)
}

interface Terms {
  readonly amount?: string
  readonly recipient?: Hex
  readonly [detail: string]: unknown
}

function request(till: Till, { amount = '1000', recipient = till.payTo, ...details }: Terms = {}) {
  return {
    amount,
    currency: USDC,
    recipient,
    methodDetails: { chainId: 84532, credentialTypes: ['authorization'], decimals: 6, ...details },
  }
}

/** With a fresh challenge; `changes` are laid over it, or its request has other terms. */
function ask({ till, response }: Pick<Visit, 'till' | 'response'>, changes: Record<string, unknown> = {}): void {
  const expires = new Date(Date.now() + 3_600_000).toISOString()
  const { amount, recipient, ...rest } = changes
  const terms = { ...(typeof amount === 'string' && { amount }), ...(recipient === till.otherPayTo && { recipient: till.otherPayTo }) }
  const named = {
    realm: 'till.example',
    method: 'evm',
    intent: 'charge',
    expires,
    meta: { order: randomUUID() },
    request: request(till, terms),
    ...rest,
  }
  const challenge = Challenge.from({ ...named, secretKey: till.secretKey } as Parameters<typeof Challenge.from>[0])
  response.writeHead(402, { 'www-authenticate': Challenge.serialize(challenge) }).end('{}')
}

/** The transaction, which is none where the token did not take it: then it was taken before. */
async function take({ till, payload }: Visit): Promise<string> {
  const { signature, ...authorization } = payload
  const { to: payTo, value: amount } = authorization
  const requirements = {
    scheme: 'exact',
    network: NETWORK,
    asset: USDC,
    payTo,
    amount,
    maxTimeoutSeconds: 60,
    extra: { name: 'USDC', version: '2' },
  }
  const call = {
    x402Version: 2,
    paymentPayload: { x402Version: 2, accepted: requirements, payload: { signature, authorization } },
    paymentRequirements: requirements,
  }
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${till.facilitatorUrl}/settle`, { method: 'POST', headers, body: JSON.stringify(call) })
  const { success, transaction } = z.object({ success: z.boolean(), transaction: text }).parse(await answer.json())
  if (success) taken.set(payload.nonce, transaction)
  return taken.get(payload.nonce) ?? ''
}

const taken = new Map<Hex, string>()

async function serve(visit: Visit): Promise<void> {
  const transaction = taken.get(visit.payload.nonce) ?? (await take(visit))
  if (transaction === '') return ask(visit)
  visit.response.writeHead(200, { 'content-type': 'application/json', 'payment-receipt': receiptOf(transaction) })
  visit.response.end(JSON.stringify({ sold: visit.path }))
}

function receiptOf(reference: string): string {
  return Receipt.serialize({ method: 'evm', status: 'success', reference, timestamp: new Date().toISOString() })
}
