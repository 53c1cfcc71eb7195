/** The evidence around a payment that is not its price: who allowed it, on whose behalf, what else was considered. */
import type { ReceiptContext } from '../audit/receipt.ts'

/** As receipts say it, with times in milliseconds since 1970. */
export interface Context extends Omit<ReceiptContext, 'approval'> {
  readonly approval?: {
    readonly id: string
    readonly digest: string
    readonly votes: readonly { readonly person: string; readonly channel: string; readonly at: number; readonly reason: string }[]
  }
}

/** Times are ISO 8601 there. */
export function receiptContext(context: Context | null): ReceiptContext | null {
  if (!context) return null
  const { approval, ...rest } = context
  if (!approval) return rest
  const votes = approval.votes.map((vote) => ({ ...vote, at: new Date(vote.at).toISOString() }))
  return { ...rest, approval: { ...approval, votes } }
}
