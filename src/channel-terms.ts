/**
 * What payments through a channel come to among others. Its deposit is money that left; the vouchers that use it up are
 * payments too, each with its price, but their money is the deposit's: no sum has both.
 */

export interface PaidBy {
  /** `deposit` and `voucher` are of a channel. */
  readonly method?: string | undefined
}

/** What the payment itself moves, in millionths: nothing where it is a voucher. */
export function movedBy({ method, amount }: PaidBy & { readonly amount: bigint }): bigint {
  return method === 'voucher' ? 0n : amount
}

/** The scheme as people see it, who have to tell deposits and vouchers apart: `batch-settlement/voucher`. */
export function shownScheme({ scheme, method }: PaidBy & { readonly scheme: string }): string {
  return method === 'deposit' || method === 'voucher' ? `${scheme}/${method}` : scheme
}
