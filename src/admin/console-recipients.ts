/** Recipients, one by one: how far each is trusted, who is pinned, what it was paid, what it asked for over time. */
import { createRoute, z } from '@hono/zod-openapi'
import { refused } from '../errors.ts'
import type { RecipientRecord } from '../ledger/findings.ts'
import type { Ledger, Payment } from '../ledger/ledger.ts'
import { MAX_PAGE } from '../limits.ts'
import { formatAmount } from '../money.ts'
import { DEFAULT_PROFILES, MAX_PROFILE_PAYMENTS, MAX_PROFILES } from '../people-limits.ts'
import { isBlocked, isListedAddress, listingsOf, type Recipient, sameAddress } from '../policy/trust.ts'
import type { AdminDeps, PolicyInfo } from './deps.ts'
import { listOf, PageQuery, pageRequest } from './pages.ts'
import { type AdminApp, allow, json, PROBLEMS, READERS } from './router.ts'
import { amountsOf, isoTime, PaymentView } from './views.ts'

type Dealt = NonNullable<Awaited<ReturnType<Ledger['insight']['dealing']>>>

const Amounts = z.record(z.string(), z.string()).openapi({ description: 'Decimal amounts by currency' })
const Place = { origin: z.string(), network: z.string(), recipient: z.string() }

const ProfileView = z
  .object({
    ...{ ...Place, host: z.string() },
    trust: z.enum(['verified', 'blocked', 'known', 'unknown']).openapi({
      description: 'By the policy in force. known: to the agents that paid it and were served',
    }),
    knownBy: z.int().openapi({ description: 'Agents that paid it and were served' }),
    last: z
      .object({
        ...{ paymentId: z.string(), at: z.iso.datetime(), amount: z.string(), currency: z.string() },
        ...{ method: z.string(), url: z.string() },
      })
      .nullable(),
    pin: z.object({ recipient: z.string(), since: z.iso.datetime(), uses: z.int() }).nullable(),
    pinDiffers: z.boolean().openapi({ description: 'Another address is pinned at this origin and network' }),
    ...{ undelivered: z.int(), disputed: z.int(), disputedAmount: Amounts, refundedAmount: Amounts },
  })
  .openapi('RecipientProfile')
type ProfileView = z.infer<typeof ProfileView>

const PaidView = z.object({
  ...{ id: z.string(), at: z.iso.datetime(), agent: z.string(), method: z.string(), url: z.string() },
  ...{ amount: z.string(), currency: z.string(), state: PaymentView.shape.state, delivered: z.boolean() },
})

const WholeView = ProfileView.extend({
  payments: z.array(PaidView).openapi({ description: 'The newest, newest first' }),
  drift: z.array(z.object({ at: z.iso.datetime(), paymentId: z.string(), text: z.string() })),
  deliveries: z.object({ delivered: z.int(), undelivered: z.int(), open: z.int() }).openapi({ description: 'Among those payments' }),
}).openapi('RecipientStory')

const list = createRoute({
  method: 'get',
  path: '/v1/recipients/profiles',
  summary: 'Recipients that were paid or are pinned, by origin',
  ...allow(...READERS),
  request: { query: z.strictObject({ ...PageQuery, limit: z.coerce.number().int().min(1).max(MAX_PROFILES).default(DEFAULT_PROFILES) }) },
  responses: { 200: json(listOf(ProfileView), 'One page'), ...PROBLEMS },
})

const show = createRoute({
  method: 'get',
  path: '/v1/recipients/profile',
  summary: 'One recipient, with its newest payments and what was odd about them',
  ...allow(...READERS),
  request: { query: z.strictObject(Place) },
  responses: { 200: json(WholeView, 'The recipient'), ...PROBLEMS },
})

type Deps = Pick<AdminDeps, 'ledger' | 'policy'>

export function registerProfiles(app: AdminApp, deps: Deps): void {
  const { ledger } = deps
  app.openapi(list, async (context) => {
    const { items, next } = await ledger.insight.dealings(pageRequest(context.req.valid('query')))
    const troubles = await troublesOf(ledger)
    return context.json({ items: await Promise.all(items.map((dealt) => profileOf(dealt, { ...deps, troubles }))), next }, 200)
  })
  app.openapi(show, async (context) => {
    const { origin, network, recipient } = context.req.valid('query')
    const dealt = await ledger.insight.dealing({ origin, network, payTo: recipient })
    if (!dealt) throw refused('not_found', 'No such recipient was paid or is pinned.')
    const paid = await ledger.payments({ recipient: dealt.payTo }, { limit: MAX_PROFILE_PAYMENTS })
    const here = paid.items.filter((one) => one.origin === origin && one.terms?.network === network)
    const profile = await profileOf(dealt, { ...deps, troubles: await troublesOf(ledger) })
    return context.json({ ...profile, payments: here.flatMap(paidView), drift: here.flatMap(driftOf), deliveries: deliveriesOf(here) }, 200)
  })
}

type Troubles = ReadonlyMap<string, RecipientRecord>

/** Those with something undelivered, disputed or refunded are few; beyond a page of them the rest is in their own list. */
async function troublesOf(ledger: Pick<Ledger, 'recipients'>): Promise<Troubles> {
  const { items } = await ledger.recipients({ limit: MAX_PAGE })
  return new Map(items.map((record) => [troubleKey(record), record]))
}

function troubleKey({ host, payTo, network }: Pick<RecipientRecord, 'host' | 'payTo' | 'network'>): string {
  return [host.toLowerCase(), payTo.toLowerCase(), network].join('\n')
}

async function profileOf(dealt: Dealt, { ledger, policy, troubles }: Deps & { readonly troubles: Troubles }): Promise<ProfileView> {
  const { origin, network, payTo, agents, pin, lastPaymentId } = dealt
  const { hostname, port, protocol } = new URL(origin)
  const recipient = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || (protocol === 'http:' ? 80 : 443)), payTo }
  const last = lastPaymentId === null ? await newestTo(dealt, ledger) : await ledger.payment(lastPaymentId)
  const trouble = troubles.get(troubleKey({ host: last?.host ?? recipient.host, payTo, network }))
  return {
    ...{ origin, network, recipient: payTo, host: recipient.host, knownBy: agents },
    trust: trustIn(recipient, { policy: policy(), dealt }),
    last: last ? lastView(last) : null,
    pin: pin && { recipient: pin.payTo, since: isoTime(pin.at), uses: pin.uses },
    pinDiffers: pin !== null && !sameAddress(pin.payTo, payTo),
    ...{ undelivered: trouble?.undelivered ?? 0, disputed: trouble?.disputed ?? 0 },
    ...{ disputedAmount: amountsOf(trouble?.disputedAmount ?? {}), refundedAmount: amountsOf(trouble?.refundedAmount ?? {}) },
  }
}

/** Settled, and not proven or delivered yet. Undefined also where the address was last paid at another origin. */
async function newestTo({ origin, network, payTo }: Dealt, ledger: Pick<Ledger, 'payments'>): Promise<Payment | undefined> {
  const { items } = await ledger.payments({ recipient: payTo, state: 'settled' }, { limit: 1 })
  return items.find((one) => one.origin === origin && one.terms?.network === network)
}

/** As a payment there would be judged now; a listing decides before the past does. */
function trustIn(
  recipient: Recipient,
  { policy: { rules }, dealt }: { readonly policy: PolicyInfo; readonly dealt: Dealt },
): ProfileView['trust'] {
  const { verified, blocked } = rules?.recipients ?? { verified: [], blocked: [] }
  if (isBlocked(recipient, blocked) || isListedAddress(recipient, rules?.blockedAddresses)) return 'blocked'
  const listings = listingsOf(recipient, verified)
  if (listings.length === 0) return dealt.agents > 0 ? 'known' : 'unknown'
  const named = listings.some(({ payTo }) => payTo !== undefined && sameAddress(payTo, recipient.payTo))
  const open = listings.some(({ payTo }) => payTo === undefined)
  return named || (open && (dealt.pin === null || sameAddress(dealt.pin.payTo, recipient.payTo))) ? 'verified' : 'unknown'
}

function lastView({ id, decidedAt, terms, method, url }: Payment): ProfileView['last'] {
  return terms && { paymentId: id, at: isoTime(decidedAt), amount: formatAmount(terms.amount), currency: terms.currency, method, url }
}

function paidView({ id, decidedAt, agent, method, url, terms, state, delivered }: Payment): z.infer<typeof PaidView>[] {
  if (!terms) return []
  return [
    { id, at: isoTime(decidedAt), agent, method, url, amount: formatAmount(terms.amount), currency: terms.currency, state, delivered },
  ]
}

function driftOf({ id, decidedAt, context }: Payment): { at: string; paymentId: string; text: string }[] {
  return (context?.facts ?? []).map((text) => ({ at: isoTime(decidedAt), paymentId: id, text }))
}

function deliveriesOf(payments: readonly Payment[]): z.infer<typeof WholeView>['deliveries'] {
  const counts = { delivered: 0, undelivered: 0, open: 0 }
  for (const { state, delivered } of payments) {
    if (delivered) counts.delivered += 1
    else if (state === 'settled' || state === 'expired') counts.undelivered += 1
    else if (state !== 'denied' && state !== 'void') counts.open += 1
  }
  return counts
}
