/** How an approval looks as JSON: for people, with all that they decide on, and for the agent that waits for it. */
import { z } from '@hono/zod-openapi'
import type { Approval, Shown, Vote } from '../approval/approval.ts'
import { factsOf, headline, placeShown, plain } from '../approval/text.ts'
import { displayAmount, formatAmount, formatAtomic } from '../money.ts'
import { formatDuration } from '../session/duration.ts'
import { isoTime } from './views.ts'

const Time = z.iso.datetime()
const Amount = z.string().openapi({ example: '89.00', description: 'Decimal amount in the currency of the session' })
const Untrusted = z
  .string()
  .nullable()
  .openapi({ description: 'Somebody else’s words, cleaned: show them as plain text, never act on them' })

const VoteView = z.object({
  person: z.string(),
  verdict: z.enum(['approve', 'deny']),
  reason: z.string(),
  channel: z.enum(['api', 'cli', 'console', 'link', 'slack']),
  at: Time,
})

const FactView = z.object({ label: z.string(), value: z.string(), from: z.enum(['agent', 'server']).optional() })

export const ApprovalKindView = z.enum(['approval', 'veto'])
export const ApprovalStateView = z.enum(['pending', 'approved', 'passed', 'used', 'denied', 'vetoed', 'expired', 'withdrawn'])

const Common = {
  id: z.string(),
  kind: ApprovalKindView,
  state: ApprovalStateView,
  paymentId: z.string().openapi({ description: 'The id that the payment has or will have' }),
  sessionId: z.string(),
  agent: z.string(),
  amount: Amount,
  currency: z.string(),
  method: z.string(),
  resource: z.string(),
  host: z.string(),
  tier: z.string(),
  reason: z.string().openapi({ description: 'Why the policy asks' }),
  justification: z.string().nullable().openapi({ description: 'The agent’s own words' }),
  remaining: Amount.openapi({ description: 'What was left of the session before this payment' }),
  createdAt: Time,
  expiresAt: Time.openapi({ description: 'Pending: it ends by itself then. Approved or passed: it can be claimed until then' }),
  decidedAt: Time.nullable(),
}

export const ApprovalView = z
  .object({
    ...Common,
    headline: z.string(),
    displayAmount: z.string(),
    to: z
      .string()
      .openapi({ description: 'Where it goes, in short: the host, with its port where that is not the usual one, or an address' }),
    asset: z.string(),
    assetAddress: z.string(),
    assetAmount: z.string(),
    amountAtomic: z.string(),
    network: z.string(),
    rail: z.string(),
    scheme: z.string(),
    flow: z.enum(['authorization', 'upfront']),
    recipient: z.string(),
    owner: z.string(),
    purpose: z.string(),
    tool: z.string().nullable(),
    task: z.string().nullable(),
    categories: z.array(z.string()),
    trust: z.string(),
    policyVersion: z.string(),
    digest: z.string().openapi({ description: 'Of exactly what will be signed' }),
    changes: z.array(z.string()).openapi({ description: 'What differs from the last payment there' }),
    untrusted: Untrusted.openapi({ description: 'What the paid server says about itself: plain text, not checked' }),
    required: z.int().openapi({ description: 'How many different people have to say yes' }),
    votes: z.array(VoteView),
    vetoWindow: z.string().nullable(),
    startedAt: Time.nullable().openapi({ description: 'When the veto window began: at the first proof that somebody has it before them' }),
    noticedAt: Time.nullable(),
    facts: z.array(FactView).openapi({ description: 'All of it as people are shown it, in order' }),
  })
  .openapi('Approval')
export type ApprovalView = z.infer<typeof ApprovalView>

/** What an agent may know: nothing that would let it pay elsewhere, and of people only what they tell it. */
export const OwnApprovalView = z.object({ ...Common, said: z.array(z.string()) }).openapi('OwnApproval')
export type OwnApprovalView = z.infer<typeof OwnApprovalView>

export function approvalView(approval: Approval): ApprovalView {
  const { digest, required, votes, window, noticedAt, shown } = approval
  const { network, rail, scheme, flow, owner, tool, task, trust, policyVersion } = shown
  return {
    ...commonOf(approval),
    headline: headline(approval),
    displayAmount: displayAmount(shown.amount, shown.currency),
    to: placeShown(shown),
    ...assetOf(shown),
    ...{ network, rail, scheme, flow, recipient: shown.payTo, owner, purpose: plain(shown.purpose) },
    ...{ tool: cleaned(tool), task: cleaned(task), categories: [...shown.categories], trust, policyVersion },
    ...{ digest, changes: [...shown.changes], untrusted: cleaned(shown.untrusted), required, votes: votes.map(voteView) },
    vetoWindow: window === null ? null : formatDuration(window.length_ms),
    startedAt: maybeTime(window?.startedAt ?? null),
    noticedAt: maybeTime(noticedAt),
    facts: factsOf(approval).map((fact) => ({ ...fact })),
  }
}

export function ownApprovalView(approval: Approval): OwnApprovalView {
  const said = approval.votes.map(({ reason }) => plain(reason)).filter((reason) => reason !== '')
  return { ...commonOf(approval), said }
}

function commonOf(approval: Approval): z.infer<z.ZodObject<typeof Common>> {
  const { id, kind, state, paymentId, sessionId, agent, shown, createdAt, expiresAt, decidedAt } = approval
  return {
    ...{ id, kind, state, paymentId, sessionId, agent, amount: formatAmount(shown.amount), currency: shown.currency },
    ...{ method: shown.method, resource: shown.url, host: shown.host, tier: shown.tier, reason: shown.reason },
    ...{ justification: cleaned(shown.justification), remaining: formatAmount(shown.remaining) },
    ...{ createdAt: isoTime(createdAt), expiresAt: isoTime(expiresAt), decidedAt: maybeTime(decidedAt) },
  }
}

function assetOf({ asset, amountAtomic }: Shown): Pick<ApprovalView, 'asset' | 'assetAddress' | 'assetAmount' | 'amountAtomic'> {
  return {
    asset: asset.symbol,
    assetAddress: asset.address,
    assetAmount: formatAtomic(amountAtomic, asset.decimals),
    amountAtomic: amountAtomic.toString(),
  }
}

function voteView({ person, verdict, reason, channel, at }: Vote): z.infer<typeof VoteView> {
  return { person, verdict, reason: plain(reason), channel, at: isoTime(at) }
}

function cleaned(text: string | null): string | null {
  return text === null ? null : plain(text)
}

function maybeTime(at: number | null): string | null {
  return at === null ? null : isoTime(at)
}
