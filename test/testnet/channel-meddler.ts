/**
 * Somebody between a seller by channel and its customers: loses what was paid for, denies it, asks for more, or says that
 * more was charged than was. The seller behind it is the official one and knows nothing of it.
 */
import type { Http2Bindings, HttpBindings } from '@hono/node-server'
import type { Hex } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { z } from 'zod'
import { breakOff } from './doors.ts'
import { encodeBase64, parseJson } from './wire.ts'

type Env = HttpBindings | Http2Bindings
type Serve = (request: Request, env: Env) => Response | Promise<Response>

/** What a request through a channel suffers. */
export type Deed =
  /** Charged and served; nobody hears of it. */
  | 'lose-answer'
  /** Lost before the seller sees it. */
  | 'lose-request'
  /** Charged and served; a 500 without a word about the money. */
  | 'error-500'
  /** Charged and served; the answer says nothing of the money. */
  | 'silent'
  /** Charged and served; the answer says that twice as much was charged as was vouched for. */
  | 'overcharge'
  /** Not charged: a 402 that says that more was charged than any voucher allows, with the voucher that just came. */
  | 'correct-beyond'
  /** Not charged: a 402 with a voucher over the whole deposit that another key signed. */
  | 'correct-by-stranger'
  /** Not charged: the price doubles between the challenge and the payment. */
  | 'raise-price'

export interface Meddler {
  readonly fetch: Serve
  /** The next request that carries a deposit or a voucher suffers this. Several follow each other. */
  next(deed: Deed): void
  /** Whether what is left is given back when a payer asks for it. True at first. */
  refunds(given: boolean): void
  /** Refunds that were asked for, given or not. */
  asked(): number
}

export interface Hands {
  /** Doubles the price of a path. */
  raise(path: string): void
}

const payment = z.object({
  payload: z.object({
    type: z.enum(['deposit', 'voucher', 'refund']),
    voucher: z.object({ channelId: z.string(), maxClaimableAmount: z.string(), signature: z.string() }),
    deposit: z.object({ amount: z.string() }).optional(),
  }),
})
type ChannelPayment = z.infer<typeof payment>['payload']

export function meddleWith(serve: Serve, hands: Hands): Meddler {
  const deeds: Deed[] = []
  let given = true
  let asked = 0
  const fetch: Serve = async (request, env) => {
    const paid = paymentIn(request)
    if (!paid) return serve(request, env)
    if (paid.type !== 'refund') return suffer(deeds.shift(), { request, env, serve, paid, hands })
    asked += 1
    return given ? serve(request, env) : Response.json({ error: 'no refunds here' }, { status: 403 })
  }
  return {
    fetch,
    next: (deed) => void deeds.push(deed),
    refunds: (value) => {
      given = value
    },
    asked: () => asked,
  }
}

/** What came through a channel; undefined where a request brings nothing, or pays otherwise. */
function paymentIn(request: Request): ChannelPayment | undefined {
  const header = request.headers.get('payment-signature')
  if (header === null) return undefined
  return payment.safeParse(parseJson(Buffer.from(header, 'base64').toString())).data?.payload
}

interface Exchange {
  readonly request: Request
  readonly env: Env
  readonly serve: Serve
  readonly paid: ChannelPayment
  readonly hands: Hands
}

async function suffer(deed: Deed | undefined, exchange: Exchange): Promise<Response> {
  const { request, env, serve, paid, hands } = exchange
  if (deed === 'lose-request') return cut(env)
  if (deed === 'correct-beyond') return correct(exchange, { charged: BigInt(paid.voucher.maxClaimableAmount) + 1n, ...paid.voucher })
  if (deed === 'correct-by-stranger') return correct(exchange, await strangersVoucher())
  if (deed === 'raise-price') hands.raise(new URL(request.url).pathname)
  const answer = await serve(request, env)
  if (deed === 'lose-answer') return cut(env)
  if (deed === 'error-500') return new Response('error 500', { status: 500 })
  if (deed === 'silent') return new Response(answer.body, { status: answer.status, headers: { 'content-type': 'application/json' } })
  return deed === 'overcharge' ? overcharged(answer) : answer
}

/** Never answered: the connection has ended. */
function cut({ outgoing }: Env): Promise<Response> {
  breakOff(outgoing as Parameters<typeof breakOff>[0])
  return new Promise(() => undefined)
}

interface Said {
  readonly charged: bigint
  readonly maxClaimableAmount: string
  readonly signature: string
}

/** More than any deposit of these tests. */
const MUCH = 10n ** 12n

async function strangersVoucher(): Promise<Said> {
  const stranger = privateKeyToAccount(generatePrivateKey())
  const signature: Hex = await stranger.signMessage({ message: 'a voucher of somebody else' })
  return { charged: MUCH, maxClaimableAmount: `${MUCH}`, signature }
}

const challenge = z.looseObject({ accepts: z.array(z.looseObject({ scheme: z.string(), extra: z.looseObject({}) })) })

/** The seller's own challenge, with sums that it never said. */
async function correct({ request, env, serve, paid }: Exchange, said: Said): Promise<Response> {
  const headers = new Headers(request.headers)
  headers.delete('payment-signature')
  const honest = await serve(new Request(request, { headers }), env)
  const required = challenge.parse(decoded(honest.headers.get('payment-required')))
  const { charged, maxClaimableAmount: signedMaxClaimable, signature } = said
  const channelState = { channelId: paid.voucher.channelId, chargedCumulativeAmount: `${charged}` }
  const accepts = required.accepts.map((offer) => {
    return offer.scheme === 'exact'
      ? offer
      : { ...offer, extra: { ...offer.extra, channelState, voucherState: { signedMaxClaimable, signature } } }
  })
  const error = 'invalid_batch_settlement_evm_cumulative_amount_mismatch'
  return answerWith(honest, 'payment-required', { ...required, error, accepts })
}

const settled = z.looseObject({
  extra: z.looseObject({ chargedAmount: z.string(), channelState: z.looseObject({ chargedCumulativeAmount: z.string() }) }),
})

function overcharged(answer: Response): Response {
  const said = settled.parse(decoded(answer.headers.get('payment-response')))
  const { chargedAmount, channelState } = said.extra
  const more = BigInt(channelState.chargedCumulativeAmount) + BigInt(chargedAmount)
  const extra = {
    ...said.extra,
    chargedAmount: `${2n * BigInt(chargedAmount)}`,
    channelState: { ...channelState, chargedCumulativeAmount: `${more}` },
  }
  return answerWith(answer, 'payment-response', { ...said, extra })
}

function answerWith(answer: Response, header: string, value: unknown): Response {
  const headers = new Headers(answer.headers)
  headers.set(header, encodeBase64(value))
  return new Response(answer.body, { status: answer.status, headers })
}

function decoded(value: string | null): unknown {
  return parseJson(Buffer.from(value ?? '', 'base64').toString())
}
