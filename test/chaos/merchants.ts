/**
 * Merchants and their facilitators: who asks for money, takes it or does not, and says something about it or nothing.
 * What a merchant does with one presented payment is its manner of that moment; none of them ever sends money back.
 */
import type { RawHeaders } from '../../src/http.ts'
import { PAYMENT_HEADER } from '../../src/rails/x402/finished.ts'
import { NETWORK, NETWORK_V1 } from '../testnet/chain.ts'
import { challengeOf, encodeBase64, RESULT_HEADER, type Version, type WireAnswer } from '../testnet/wire.ts'
import type { Agenda } from './agenda.ts'
import type { Call, ChainModel } from './chain-model.ts'
import type { Random } from './random.ts'

const NETWORKS = { 1: NETWORK_V1, 2: NETWORK } as const

/** What comes back. `reset`: the connection breaks before a head; `broken`: in the middle of the body. */
export type Reply =
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly headers: RawHeaders
      readonly body: string | Uint8Array
      readonly broken: boolean
    }
  | { readonly kind: 'reset' }
  | { readonly kind: 'silence' }

const SILENCE: Reply = { kind: 'silence' }
const RESET: Reply = { kind: 'reset' }

export interface Presented {
  readonly url: string
  readonly nonce: string
  readonly call: Call
}

/** What a merchant may do with a payment, with how common it is. */
const MANNERS = {
  honest: 30,
  /** Says that it settled before it did, and perhaps never does. */
  hasty: 6,
  /** Claims a settlement that never happens. */
  liar: 4,
  /** Says that it failed, and settles all the same, at once or just before the end. */
  denies: 8,
  fails_after_settling: 6,
  resets_after_settling: 6,
  resets_before_settling: 4,
  silent: 4,
  silent_and_settles: 4,
  charges_again: 6,
  says_nothing: 4,
  breaks_the_body: 6,
  hands_it_to_a_thief: 6,
  tries_twice: 4,
} as const

type Manner = keyof typeof MANNERS

/** When a presented payment is put before the chain. */
type When = 'soon' | 'later' | 'at_its_end' | 'never'

export interface MerchantOptions {
  readonly name: string
  readonly payTo: string
  readonly agenda: Agenda
  readonly chain: ChainModel
  readonly random: Random
}

export class Merchant {
  readonly #options: MerchantOptions
  readonly #favourite: Manner
  readonly #version: Version
  readonly #prices = new Map<string, number>()
  /** Settled payments that it has seen, by nonce, with their transaction. */
  readonly #served = new Map<string, string>()
  readonly #fickle: boolean

  constructor(options: MerchantOptions) {
    const { random } = options
    this.#options = options
    this.#favourite = manner(random)
    this.#version = random.pick([1, 2])
    this.#fickle = random.chance(0.15)
  }

  get host(): string {
    return `${this.#options.name}.example.com`
  }

  /** The 402, with the price of the moment. */
  challenge(url: string): WireAnswer {
    const { random, payTo } = this.#options
    const known = this.#prices.get(url)
    const price = known === undefined || this.#fickle ? 1 + random.below(9) : known
    this.#prices.set(url, price)
    const window_s = random.pick([10, 30, 60, 120, 600])
    return challengeOf(this.#version, { amount: `${price}000000`, payTo, window_s, resource: url })
  }

  /** Decides over a presented payment, and replies when it is its time. */
  async receive(presented: Presented, first = false): Promise<Reply> {
    const { random } = this.#options
    // What was not asked for yet may be free by now, or cost something else.
    if (first && random.chance(0.4)) return random.chance(0.4) ? plainAnswer(200) : this.#again(presented.url)
    const served = this.#served.get(presented.nonce)
    if (served !== undefined) return random.chance(0.7) ? this.#paid(served) : this.#refused('payment was used before')
    return this.#act(random.chance(0.5) ? this.#favourite : manner(random), presented)
  }

  async #act(chosen: Manner, presented: Presented): Promise<Reply> {
    const { random } = this.#options
    switch (chosen) {
      case 'honest':
      case 'breaks_the_body':
      case 'tries_twice':
        return this.#sell(chosen, presented)
      case 'liar':
        return this.#paid(`0x${'dead'.repeat(16)}`)
      case 'hasty':
        void this.#settle(presented, random.chance(0.7) ? 'soon' : 'never')
        return this.#paid(`0x${'beef'.repeat(16)}`)
      case 'silent':
        return SILENCE
      case 'resets_before_settling':
        void this.#settle(presented, random.chance(0.5) ? 'soon' : 'never')
        return RESET
      case 'hands_it_to_a_thief':
        void this.#settle(presented, 'at_its_end')
        return random.chance(0.5) ? RESET : this.#refused('settlement failed')
      default:
        return this.#takeAndTell(chosen, presented)
    }
  }

  /** Waits for the block, as it should. */
  async #sell(chosen: Manner, { nonce, call }: Presented): Promise<Reply> {
    const { chain } = this.#options
    const taken = chain.submit(call)
    if (chosen === 'tries_twice') void chain.submit(call)
    const outcome = await taken
    if (outcome.kind === 'reverted') return this.#refused(outcome.reason)
    const { transaction } = outcome.use
    this.#served.set(nonce, transaction)
    return { ...this.#paid(transaction), broken: chosen === 'breaks_the_body' }
  }

  /** Takes the money and does not say so, or says otherwise. */
  async #takeAndTell(chosen: Manner, presented: Presented): Promise<Reply> {
    const { random } = this.#options
    const when = random.pick<When>(['soon', 'soon', 'later', 'at_its_end'])
    const settled = this.#settle(presented, when)
    if (chosen === 'denies') return this.#refused('insufficient funds')
    if (when === 'soon') await settled
    switch (chosen) {
      case 'fails_after_settling':
        return plainAnswer(random.pick([500, 502, 503]))
      case 'resets_after_settling':
        return RESET
      case 'says_nothing':
        return plainAnswer(200)
      case 'charges_again':
        return this.#again(presented.url)
      default:
        return SILENCE
    }
  }

  async #settle({ call }: Presented, when: When): Promise<void> {
    const { agenda, chain, random } = this.#options
    if (when === 'never') return
    const left_ms = call.validBefore_s * 1_000 - agenda.now
    if (when === 'later') await agenda.pause(random.between(0, Math.max(0, left_ms)), agenda.world)
    if (when === 'at_its_end') await agenda.pause(Math.max(0, left_ms - random.between(500, 4_500)), agenda.world)
    await chain.submit(call)
  }

  #again(url: string): Reply {
    this.#prices.delete(url)
    return { kind: 'answer', ...this.challenge(url), broken: false }
  }

  #paid(transaction: string): Extract<Reply, { kind: 'answer' }> {
    const said = encodeBase64({ success: true, transaction, network: NETWORKS[this.#version] })
    return { kind: 'answer', status: 200, headers: [RESULT_HEADER[this.#version], said], body: 'goods', broken: false }
  }

  #refused(reason: string): Reply {
    const said = encodeBase64({ success: false, errorReason: reason, transaction: '', network: NETWORKS[this.#version] })
    return { kind: 'answer', status: 402, headers: [RESULT_HEADER[this.#version], said], body: '{}', broken: false }
  }
}

function plainAnswer(status: number): Reply {
  return { kind: 'answer', status, headers: [], body: 'plain', broken: false }
}

const TOTAL = Object.values(MANNERS).reduce((sum, weight) => sum + weight, 0)

function manner(random: Random): Manner {
  let roll = random.below(TOTAL)
  for (const [name, weight] of Object.entries(MANNERS)) {
    roll -= weight
    if (roll < 0 && isManner(name)) return name
  }
  return 'honest'
}

function isManner(name: string): name is Manner {
  return name in MANNERS
}

/** The nonce and the transfer that a paid request carries. */
export function presentedIn(headers: RawHeaders, url: string): Presented {
  const at = headers.findIndex((name) => name === PAYMENT_HEADER[1] || name === PAYMENT_HEADER[2])
  const { payload } = JSON.parse(Buffer.from(headers[at + 1] ?? '', 'base64').toString())
  const { nonce, to, value, validAfter, validBefore } = payload.authorization
  return {
    url,
    nonce,
    call: { kind: 'transfer', nonce, to, value: BigInt(value), validAfter_s: Number(validAfter), validBefore_s: Number(validBefore) },
  }
}
