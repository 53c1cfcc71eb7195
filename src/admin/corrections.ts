/** What people say about payments that are over: how they ended, what came back, and that one must not be taken any more. */
import { createRoute, z } from '@hono/zod-openapi'
import { refused } from '../errors.ts'
import type { Correction } from '../ledger/findings.ts'
import type { Payment } from '../ledger/ledger.ts'
import { MAX_HINT_CHARS } from '../limits.ts'
import { formatAmount } from '../money.ts'
import { amount, text } from '../session/values.ts'
import type { AdminDeps } from './deps.ts'
import { adminKey, KeyHeader } from './idempotency.ts'
import { type AdminApp, allow, body, IdParam, json, PROBLEMS } from './router.ts'
import { isoTime, PaymentView, paymentView } from './views.ts'

const evidence = text(MAX_HINT_CHARS)

const Resolution = z.strictObject({
  outcome: z.enum(['settled', 'void']),
  transaction: z
    .string()
    .regex(/^[\x21-\x7e]{1,200}$/, 'the hash of a transaction')
    .nullable()
    .default(null),
  evidence: evidence.openapi({ description: 'What was seen, and where; it stays in the receipt' }),
})

const ProposalView = z
  .object({
    paymentId: z.string(),
    outcome: z.enum(['settled', 'void']),
    transaction: z.string().nullable(),
    evidence: z.string(),
    by: z.string(),
    at: z.iso.datetime(),
    note: z.string(),
  })
  .openapi('Proposal')

const Refunded = z.strictObject({
  amount: amount.refine((millionths) => millionths > 0n, { error: 'must be more than nothing' }),
  evidence,
})

const CancelledView = z
  .object({
    kind: z.enum(['submitted', 'signed']),
    ...{ paymentId: z.string(), network: z.string(), transaction: z.string().nullable() },
    call: z.object({ chainId: z.int(), to: z.string(), data: z.string() }),
    note: z.string().openapi({ description: 'What happens next' }),
  })
  .openapi('Cancellation')

const resolve = createRoute({
  method: 'post',
  path: '/v1/payments/{id}/resolve',
  summary: 'Say how an expired or unknown payment ended; two people have to say the same',
  ...allow('operator'),
  request: { params: IdParam, body: body(Resolution) },
  responses: {
    200: json(PaymentView, 'The second person agreed: the payment as it is now'),
    202: json(ProposalView, 'The first one: a second person, with another token, has to say the same'),
    ...PROBLEMS,
  },
})

const refund = createRoute({
  method: 'post',
  path: '/v1/payments/{id}/refunds',
  summary: 'Enter what came back for a payment; limits do not grow by it',
  ...allow('operator'),
  request: { params: IdParam, headers: KeyHeader, body: body(Refunded) },
  responses: { 200: json(PaymentView, 'The payment with all that came back'), ...PROBLEMS },
})

const cancel = createRoute({
  method: 'post',
  path: '/v1/payments/{id}/cancel',
  summary: 'Sign the cancellation of an open authorization, and submit it where a gas wallet is configured',
  ...allow('operator'),
  request: { params: IdParam },
  responses: { 200: json(CancelledView, 'How far it came; the chain decides between it and the payment'), ...PROBLEMS },
})

type Deps = Pick<AdminDeps, 'ledger' | 'clock' | 'ids' | 'cancel'>

export function registerCorrections(app: AdminApp, deps: Deps): void {
  const { ledger, clock, ids } = deps
  app.openapi(resolve, async (context) => {
    const { id: paymentId } = await paymentNamed(context.req.valid('param').id, deps)
    const by = context.get('caller').person
    const corrected = await ledger.correct({ paymentId, ...context.req.valid('json'), by, at: clock.now() })
    if (corrected.kind === 'applied') return context.json(paymentView(corrected.payment), 200)
    return context.json(proposalView(corrected.correction), 202)
  })
  app.openapi(refund, async (context) => {
    const payment = await paymentNamed(context.req.valid('param').id, deps)
    const { amount: back, evidence: seen } = context.req.valid('json')
    const key = await adminKey(context, context.req.valid('header')['idempotency-key'])
    const source = `entry:${key?.key ?? ids('ref')}`
    const entry = { paymentId: payment.id, source, amountAtomic: atomicOf(back, payment), evidence: seen }
    const counted = await ledger.refund({ ...entry, by: context.get('caller').person, at: clock.now() })
    return context.json(paymentView(counted ?? (await paymentNamed(payment.id, deps))), 200)
  })
  app.openapi(cancel, async (context) => context.json(await deps.cancel(context.req.valid('param').id), 200))
}

async function paymentNamed(id: string, { ledger }: Pick<AdminDeps, 'ledger'>): Promise<Payment> {
  const payment = await ledger.payment(id)
  if (!payment) throw refused('not_found', `There is no payment ${id}.`)
  return payment
}

function proposalView({ at, ...correction }: Correction): z.infer<typeof ProposalView> {
  const { paymentId, outcome } = correction
  const note = `A second person has to say the same with a token of their own: purser payments resolve ${paymentId} --outcome ${outcome} --evidence TEXT`
  return { ...correction, at: isoTime(at), note }
}

/**
 * Units of the token for an amount in the payment's currency, at the price that was paid: rounded up where that gives
 * the same amount back, else down. What came back before is the ledger's to judge.
 * @throws PurserError `request_invalid` for more than was paid, and for less than one unit; `conflict` for a refusal.
 */
export function atomicOf(back: bigint, { terms, id }: Pick<Payment, 'terms' | 'id'>): bigint {
  if (!terms) throw refused('conflict', `Payment ${id} was refused: nothing can come back for it.`)
  const { amount: paid, amountAtomic, currency } = terms
  if (back > paid)
    throw refused('request_invalid', `amount: payment ${id} cost ${formatAmount(paid)} ${currency}; no more than that can come back.`)
  const up = amountAtomic >= paid ? paid - 1n : 0n
  const atomic = (back * amountAtomic + up) / paid
  if (atomic === 0n) throw refused('request_invalid', `amount: ${formatAmount(back)} ${currency} is less than one unit of the token.`)
  return atomic
}
