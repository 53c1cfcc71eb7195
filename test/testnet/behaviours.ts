/** What a misbehaving server does with a payment: one function per misdeed, and the honest one for comparison. */
import { RESULT_HEADER, type Terms, type Version, type WireAnswer } from './wire.ts'

export interface Settled {
  readonly success: boolean
  readonly transaction: string
  readonly network: string
  readonly payer?: string | undefined
  readonly errorReason?: string | undefined
}

/** One paid request, and what can be done about it. */
export interface PaidExchange {
  readonly version: Version
  readonly terms: Terms
  /** Another origin's URL, over TLS where this request came over TLS. */
  readonly elsewhere: string
  readonly otherPayTo: string
  /** Settles through the facilitator; the same nonce a second time gives the first result. */
  settle(): Promise<Settled>
  /** Hands the authorization to the facilitator once more. */
  settleAgain(): Promise<Settled>
  /** Waits until the test releases this path. */
  hold(): Promise<void>
  /** 200, the resource, and what the facilitator said. A failed settlement becomes a 402 as with an honest server. */
  serve(settled: Settled): void
  challenge(changes?: Partial<Terms>, error?: string, headers?: readonly string[]): void
  send(answer: WireAnswer): void
  /** Resets the connection. */
  reset(): void
  /** Half of the body that the head promised, then a reset. */
  cut(settled: Settled): void
}

type Behaviour = (exchange: PaidExchange) => Promise<void> | void

const FAKE_TRANSACTION = `0x${'ab'.repeat(32)}`

function failWith(status: number): Behaviour {
  return async (exchange) => {
    await exchange.settle()
    exchange.send({ status, headers: ['content-type', 'text/plain'], body: `error ${status}` })
  }
}

function redirectWith(status: number): Behaviour {
  return (exchange) => exchange.send({ status, headers: ['location', `${exchange.elsewhere}/collect`], body: '' })
}

function result(exchange: PaidExchange, settled: Settled): string[] {
  return [RESULT_HEADER[exchange.version], Buffer.from(JSON.stringify(settled)).toString('base64')]
}

const OK = ['content-type', 'application/json']

export const BEHAVIOURS = {
  clean: async (exchange) => exchange.serve(await exchange.settle()),

  // The money moved and the answer does not say so.
  'settle-500': failWith(500),
  'settle-502': failWith(502),
  'settle-503': failWith(503),
  'settle-404': failWith(404),
  'settle-reset': async (exchange) => {
    await exchange.settle()
    exchange.reset()
  },
  /** Until released; then the connection is reset. */
  'settle-hang': async (exchange) => {
    await exchange.settle()
    await exchange.hold()
    exchange.reset()
  },
  'settle-cut': async (exchange) => exchange.cut(await exchange.settle()),
  'settle-402': async (exchange) => {
    await exchange.settle()
    exchange.challenge()
  },
  'settle-402-other-amount': async (exchange) => {
    await exchange.settle()
    exchange.challenge({ amount: String(BigInt(exchange.terms.amount) * 2n) })
  },
  'settle-402-other-payee': async (exchange) => {
    await exchange.settle()
    exchange.challenge({ payTo: exchange.otherPayTo })
  },
  /** As official servers answer when their facilitator's connection broke after settling. */
  'settle-402-denied': async (exchange) => {
    const { network } = await exchange.settle()
    const denied = { success: false, errorReason: 'socket hang up', transaction: '', network }
    if (exchange.version === 1) exchange.challenge({}, 'socket hang up')
    else exchange.send({ status: 402, headers: [...OK, ...result(exchange, denied)], body: '{}' })
  },
  'settle-silent': async (exchange) => {
    await exchange.settle()
    exchange.send({ status: 200, headers: OK, body: '{"served":"without a word about the money"}' })
  },
  'settle-garbled': async (exchange) => {
    await exchange.settle()
    exchange.send({ status: 200, headers: [...OK, RESULT_HEADER[exchange.version], '%%% no base64 %%%'], body: '{"served":true}' })
  },
  'settle-twice': async (exchange) => {
    const first = await exchange.settle()
    await exchange.settleAgain()
    exchange.serve(first)
  },
  /** Settles at once, answers when released. */
  slow: async (exchange) => {
    const settled = await exchange.settle()
    await exchange.hold()
    exchange.serve(settled)
  },
  /** Answers 503 and takes the money when released. */
  'late-503': async (exchange) => {
    exchange.send({ status: 503, headers: ['content-type', 'text/plain'], body: 'try again later' })
    await exchange.hold()
    await exchange.settle()
  },

  // The money did not move; nobody can know from here.
  /** The first time it refuses and takes nothing: the same payment again is served. */
  decline: (exchange) => exchange.challenge({}, 'invalid_exact_evm_transaction_simulation_failed'),
  'decline-other-amount': (exchange) => exchange.challenge({ amount: String(BigInt(exchange.terms.amount) * 2n) }),
  'decline-500': (exchange) => exchange.send({ status: 500, headers: ['content-type', 'text/plain'], body: 'error 500' }),
  reset: (exchange) => exchange.reset(),
  hang: async (exchange) => {
    await exchange.hold()
    exchange.reset()
  },
  /** Says that it settled and did not. */
  forged: (exchange) => {
    const { network } = honest(exchange.version)
    const forged = { success: true, transaction: FAKE_TRANSACTION, network }
    exchange.send({ status: 200, headers: [...OK, ...result(exchange, forged)], body: '{"served":"for nothing"}' })
  },
  free: (exchange) => exchange.send({ status: 200, headers: OK, body: '{"served":"for nothing"}' }),

  // Elsewhere: another origin, which keeps what it gets.
  'redirect-301': redirectWith(301),
  'redirect-302': redirectWith(302),
  'redirect-303': redirectWith(303),
  'redirect-307': redirectWith(307),
  'redirect-308': redirectWith(308),
} satisfies Record<string, Behaviour>

export type Mode = keyof typeof BEHAVIOURS

export const MODES = Object.keys(BEHAVIOURS) as Mode[]

export function isMode(name: string): name is Mode {
  return Object.hasOwn(BEHAVIOURS, name)
}

function honest(version: Version): { network: string } {
  return { network: version === 1 ? 'base-sepolia' : 'eip155:84532' }
}
