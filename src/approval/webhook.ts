/** Webhooks after the Standard Webhooks specification: what is sent, how it is signed, and the one way in which it leaves. */
import { Webhook } from 'standardwebhooks'
import type { Fetch } from '../http.ts'
import { displayAmount, formatAmount, formatAtomic } from '../money.ts'
import { NOTICE_TIMEOUT_MS } from '../people-limits.ts'
import { type Alert, alertFacts, type Subject } from './alert.ts'
import type { Approval } from './approval.ts'
import { factsOf, headline, placeShown, plain } from './text.ts'

/** The body of a webhook, as JSON. `link` leads one person to the page where they decide. */
export function webhookPayload(subject: Subject, link?: string): string {
  const data = subject.approval ? approvalData(subject.approval, link) : alertData(subject.alert)
  return JSON.stringify({ type: subject.type, timestamp: new Date(subject.at).toISOString(), data })
}

/** As `GET /v1/approvals` shows it, with the sentences that people read. */
function approvalData(approval: Approval, link: string | undefined): Record<string, unknown> {
  const { id, kind, state, paymentId, sessionId, agent, digest, required, votes, expiresAt, window, shown } = approval
  return {
    ...{ id, kind, state, paymentId, sessionId, agent, digest },
    ...{ headline: headline(approval), amount: formatAmount(shown.amount), currency: shown.currency },
    displayAmount: displayAmount(shown.amount, shown.currency),
    to: placeShown(shown),
    asset: shown.asset.symbol,
    assetAddress: shown.asset.address,
    assetAmount: formatAtomic(shown.amountAtomic, shown.asset.decimals),
    amountAtomic: shown.amountAtomic.toString(),
    ...{ network: shown.network, rail: shown.rail, scheme: shown.scheme, recipient: shown.payTo, resource: shown.url },
    ...{ method: shown.method, host: shown.host, owner: shown.owner, purpose: plain(shown.purpose) },
    justification: shown.justification === null ? null : plain(shown.justification),
    ...{ tool: shown.tool, task: shown.task, categories: shown.categories, trust: shown.trust, tier: shown.tier, reason: shown.reason },
    ...{ policyVersion: shown.policyVersion, remaining: formatAmount(shown.remaining), changes: shown.changes },
    untrusted: shown.untrusted === null ? null : plain(shown.untrusted),
    ...{ required, approved: votes.filter(({ verdict }) => verdict === 'approve').length },
    expiresAt: new Date(expiresAt).toISOString(),
    vetoWindowSeconds: window === null ? null : window.length_ms / 1000,
    facts: factsOf(approval),
    ...(link === undefined ? {} : { links: { decide: link } }),
  }
}

function alertData({ sessionId, agent, owner, sentence, facts, data }: Alert): Record<string, unknown> {
  return { ...data, sessionId, agent, owner, sentence: plain(sentence), facts: alertFacts(facts) }
}

export interface Signing {
  /** `whsec_` and Base64, as the specification writes it; any other text is taken as it is. */
  readonly secret?: string | undefined
  /** The same for every attempt at one notice: receivers tell repeats by it. */
  readonly id: string
  /** Milliseconds since 1970. */
  readonly now: number
}

/** Headers of one attempt. Without a secret nothing is signed. */
export function webhookHeaders(body: string, { secret, id, now }: Signing): Record<string, string> {
  const headers = { 'webhook-id': id, 'webhook-timestamp': String(Math.floor(now / 1000)) }
  if (secret === undefined) return headers
  const webhook = isStandardSecret(secret) ? new Webhook(secret) : new Webhook(secret, { format: 'raw' })
  return { ...headers, 'webhook-signature': webhook.sign(id, new Date(now), body) }
}

function isStandardSecret(secret: string): boolean {
  return /^whsec_(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(secret)
}

/** Sends one POST and answers its status. @throws Error where there is no answer in time */
export type Post = (url: string, request: { readonly body: string; readonly headers: Readonly<Record<string, string>> }) => Promise<number>

/** Follows no redirect, reads no answer, waits no longer than `timeout_ms`. No fault quotes the URL: it may be the secret. */
export function createPost({
  timeout_ms = NOTICE_TIMEOUT_MS,
  fetch: send = fetch,
}: {
  readonly timeout_ms?: number
  readonly fetch?: Fetch
} = {}): Post {
  return async (url, { body, headers }) => {
    const { host } = new URL(url)
    const signal = AbortSignal.timeout(timeout_ms)
    const answer = await send(url, {
      ...{ method: 'POST', body, signal, redirect: 'manual' },
      headers: { 'content-type': 'application/json', 'user-agent': 'purser', ...headers },
    }).catch(() => {
      throw new Error(signal.aborted ? `${host} gave no answer within ${timeout_ms} ms.` : `${host} could not be reached.`)
    })
    await answer.body?.cancel().catch(() => undefined)
    return answer.status
  }
}
