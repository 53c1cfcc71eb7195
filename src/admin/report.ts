/** The report of a reconciliation: what looking into open payments came to, and how it looks as JSON. */
import { z } from '@hono/zod-openapi'
import type { Incoming, NonceUse } from '../chain/chain.ts'
import type { Dispute } from '../ledger/findings.ts'
import type { PaymentState } from '../ledger/ledger.ts'
import { formatAmount } from '../money.ts'

interface Paid {
  readonly paymentId: string
  readonly network: string
  readonly host: string
  /** Millionths of `currency`. */
  readonly amount: bigint
  readonly currency: string
}

/** Amounts in millionths unless they are atomic, times in milliseconds since 1970. */
export interface ReconcileReport {
  /** Payments that runs left behind which have ended. */
  readonly takenOver: number
  /** What became certain. `used_otherwise`: the nonce was used, but not for what was signed; it counts as spent. */
  readonly resolved: readonly (Paid & {
    readonly outcome: 'settled' | 'confirmed' | 'void' | 'expired' | 'used_otherwise'
    readonly payTo: string
    readonly transaction: string | null
    readonly reason: string
  })[]
  /** Until when their windows are open. */
  readonly open: readonly (Paid & { readonly state: PaymentState; readonly until: number; readonly reason: string })[]
  readonly refunds: readonly {
    readonly paymentId: string
    readonly source: string
    readonly amountAtomic: bigint
    readonly symbol: string
    readonly transaction: string
  }[]
  /** Transfers to us that fit no payment. */
  readonly unmatched: readonly Incoming[]
  readonly unavailable: readonly { readonly network: string; readonly reason: string }[]
  readonly disputed: readonly (Paid & {
    readonly dispute: Dispute
    readonly payTo: string
    readonly refunded: bigint
    readonly transaction: string | null
  })[]
  /** Used on the chain by our wallet, and unknown to this ledger. */
  readonly unrecorded: readonly (NonceUse & { readonly network: string; readonly wallet: string })[]
  readonly searched: readonly { readonly network: string; readonly wallet: string; readonly from: bigint; readonly to: bigint }[]
  /** Steps that failed; the log has each. */
  readonly failures: number
  readonly truncated: boolean
}

const Amount = z.string()
const Block = z.string().openapi({ description: 'A number in decimal' })
const named = { paymentId: z.string(), network: z.string(), host: z.string(), amount: Amount, currency: z.string() }

const ResolvedView = z.object({
  ...named,
  outcome: z.enum(['settled', 'confirmed', 'void', 'expired', 'used_otherwise']),
  payTo: z.string(),
  transaction: z.string().nullable(),
  reason: z.string(),
})

export const ReportView = z
  .object({
    needsPerson: z.boolean().openapi({ description: 'Something here waits for a person' }),
    advice: z.array(z.string()).openapi({ description: 'What to do, and what is worth a look' }),
    takenOver: z.int(),
    resolved: z.array(ResolvedView),
    open: z.array(z.object({ ...named, state: z.string(), until: z.iso.datetime(), reason: z.string() })),
    refunds: z.array(
      z.object({ paymentId: z.string(), source: z.string(), amountAtomic: z.string(), symbol: z.string(), transaction: z.string() }),
    ),
    unmatched: z.array(
      z.object({
        ...{ network: z.string(), token: z.string(), from: z.string(), to: z.string() },
        ...{ amountAtomic: z.string(), transaction: z.string(), logIndex: z.int(), block: Block },
      }),
    ),
    unavailable: z.array(z.object({ network: z.string(), reason: z.string() })),
    disputed: z.array(
      z.object({
        ...named,
        dispute: z.enum(['settled_though_denied', 'settled_not_delivered', 'taken_otherwise']),
        ...{ payTo: z.string(), refunded: Amount, transaction: z.string().nullable() },
      }),
    ),
    unrecorded: z.array(
      z.object({
        ...{ network: z.string(), token: z.string(), wallet: z.string(), nonce: z.string() },
        ...{ transaction: z.string(), block: Block },
        ...{ payTo: z.string().nullable(), amountAtomic: z.string().nullable() },
      }),
    ),
    searched: z.array(z.object({ network: z.string(), wallet: z.string(), from: Block, to: Block })),
    failures: z.int(),
    truncated: z.boolean(),
  })
  .openapi('ReconcileReport')
export type ReportView = z.infer<typeof ReportView>

export function reportView(report: ReconcileReport): ReportView {
  const { takenOver, unavailable, failures, truncated } = report
  const advice = adviceOn(report)
  return {
    ...{ needsPerson: advice.length > 0, advice: [...advice, ...hintsOn(report)], takenOver, failures, truncated },
    resolved: report.resolved.map((one) => ({ ...one, amount: formatAmount(one.amount) })),
    open: report.open.map((one) => ({ ...one, amount: formatAmount(one.amount), until: new Date(one.until).toISOString() })),
    refunds: report.refunds.map((one) => ({ ...one, amountAtomic: one.amountAtomic.toString() })),
    unmatched: report.unmatched.map((one) => ({ ...one, amountAtomic: one.amountAtomic.toString(), block: one.block.toString() })),
    unavailable: [...unavailable],
    disputed: report.disputed.map((one) => ({ ...one, amount: formatAmount(one.amount), refunded: formatAmount(one.refunded) })),
    unrecorded: report.unrecorded.map((one) => ({
      ...{ ...one, block: one.block.toString() },
      amountAtomic: one.amountAtomic?.toString() ?? null,
    })),
    searched: report.searched.map(({ from, to, ...one }) => ({ ...one, from: from.toString(), to: to.toString() })),
  }
}

/** What waits for a person, each with what to do. Payments whose window is open resolve by themselves. */
export function adviceOn(report: ReconcileReport): string[] {
  const { disputed, unrecorded, unavailable, failures, truncated } = report
  const expired = report.resolved.filter(({ outcome }) => outcome === 'expired')
  const lines: [number, string, string][] = [
    [
      unrecorded.length,
      'authorization of our wallet was used that this ledger does not know: is it an older copy, or has somebody else the key?',
      'authorizations of our wallet were used that this ledger does not know: is it an older copy, or has somebody else the key?',
    ],
    [
      disputed.length,
      'payment is under dispute: claim the money back. What comes back otherwise than on the chain is entered with `purser payments refund`.',
      'payments are under dispute: claim the money back. What comes back otherwise than on the chain is entered with `purser payments refund`.',
    ],
    [
      expired.length,
      'payment expired without proof and counts as spent: with evidence, two people can correct it with `purser payments resolve`.',
      'payments expired without proof and count as spent: with evidence, two people can correct them with `purser payments resolve`.',
    ],
    [
      unavailable.length,
      'network could not be asked: check its rpc, and ask again.',
      'networks could not be asked: check their rpc, and ask again.',
    ],
    [failures, 'step failed: the log says why; ask again.', 'steps failed: the log says why; ask again.'],
  ]
  return [
    ...lines.flatMap(([count, one, many]) => (count > 0 ? [`${count} ${count === 1 ? one : many}`] : [])),
    ...(truncated ? ['There is more than one report holds: ask again.'] : []),
  ]
}

/** Nobody can tell a top-up of the wallet from a refund that another address sent: worth a look, and no one has to act. */
function hintsOn({ unmatched }: ReconcileReport): string[] {
  if (unmatched.length === 0) return []
  const found =
    unmatched.length === 1 ? '1 transfer to the wallet fits no payment' : `${unmatched.length} transfers to the wallet fit no payment`
  return [`${found}: the wallet was topped up, or it is a refund to enter with \`purser payments refund\`.`]
}
