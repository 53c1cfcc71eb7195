/** What will be signed, beside the last payment to the same recipient: line by line, with what differs marked. */
import type { ApprovalView } from '../../admin/approval-view.ts'
import type { PaymentView } from '../../admin/views.ts'
import { money } from '../format.ts'

export interface Line {
  readonly label: string
  readonly now: string
  /** Null where there is no earlier payment. */
  readonly before: string | null
  readonly differs: boolean
}

export type Proposed = Pick<
  ApprovalView,
  | ('amount' | 'currency' | 'assetAmount' | 'asset' | 'assetAddress' | 'network' | 'recipient' | 'host' | 'method' | 'resource')
  | ('rail' | 'scheme' | 'flow' | 'agent' | 'tier' | 'categories' | 'trust')
>
export type Earlier = Pick<
  PaymentView,
  | ('amount' | 'currency' | 'amountAtomic' | 'asset' | 'network' | 'recipient' | 'host' | 'method' | 'url')
  | ('rail' | 'scheme' | 'flow' | 'agent' | 'tier' | 'categories' | 'trust')
>

const NOTHING = '–'

/** In the order in which they matter. */
export function comparison(now: Proposed, before: Earlier | null): Line[] {
  const line = (label: string, mine: string, theirs: string | null | undefined): Line => {
    const earlier = before === null ? null : (theirs ?? NOTHING)
    return { label, now: mine, before: earlier, differs: earlier !== null && earlier.toLowerCase() !== mine.toLowerCase() }
  }
  return [
    line('Amount', money(now.amount, now.currency), before && priceOf(before)),
    line('Recipient', now.recipient, before?.recipient),
    line('Host', now.host, before?.host),
    line('Resource', `${now.method} ${now.resource}`, before && `${before.method} ${before.url}`),
    line('Token', tokenOf(now.asset, now.assetAddress), before?.asset && tokenOf(before.asset.symbol, before.asset.address)),
    line('Network', now.network, before?.network),
    line('By', [now.rail, now.scheme, now.flow].join(', '), before && [before.rail, before.scheme, before.flow].join(', ')),
    line('Agent', now.agent, before?.agent),
    line('Category', now.categories.join(', ') || NOTHING, before && (before.categories.join(', ') || NOTHING)),
    line('Trust then', now.trust, before?.trust),
    line('Tier', now.tier, before?.tier),
  ]
}

/** What is asked ahead names no token yet, only the currency. */
function tokenOf(symbol: string, address: string): string {
  return symbol === address ? symbol : `${symbol} ${address}`
}

function priceOf({ amount, currency }: Earlier): string {
  return amount === null || currency === null ? NOTHING : money(amount, currency)
}
