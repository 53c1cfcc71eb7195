/** Which entries of the archive a list is about: the filters of the ledger's own lists, judged on the entries themselves. */
import type { Receipt, ReceiptFilter } from '../../audit/receipt.ts'
import type { Payment, PaymentFilter } from '../ledger.ts'

export function isWanted(payment: Payment, filter: PaymentFilter): boolean {
  const { terms, context, dispute } = payment
  return (
    same(filter.session, payment.sessionId) &&
    same(filter.agent, payment.agent) &&
    same(filter.tool, payment.tool) &&
    same(filter.task, payment.task) &&
    same(filter.tier, payment.tier) &&
    same(filter.state, payment.state) &&
    same(filter.disputed, dispute !== null) &&
    among(filter.recipient, [terms?.payTo, payment.host]) &&
    behalf(filter.onBehalfOf, context) &&
    same(filter.trace, context?.trace) &&
    within(filter, payment.decidedAt)
  )
}

export function isWantedReceipt(receipt: Receipt, filter: ReceiptFilter): boolean {
  const { context } = receipt
  return (
    same(filter.session, receipt.sessionId) &&
    same(filter.payment, receipt.paymentId) &&
    same(filter.agent, receipt.agent) &&
    same(filter.kind, receipt.kind) &&
    same(filter.tool, receipt.tool) &&
    same(filter.tier, receipt.tier) &&
    among(filter.recipient, [receipt.recipient, hostIn(receipt.resource)]) &&
    behalf(filter.onBehalfOf, context) &&
    same(filter.trace, context?.trace) &&
    within(filter, Date.parse(receipt.at))
  )
}

function same<T>(wanted: T | undefined, found: T | null | undefined): boolean {
  return wanted === undefined || wanted === found
}

/** Addresses and hosts, whatever their case. */
function among(wanted: string | undefined, found: readonly (string | null | undefined)[]): boolean {
  return wanted === undefined || found.some((one) => one?.toLowerCase() === wanted.toLowerCase())
}

function behalf(wanted: string | undefined, context: { readonly onBehalfOf?: readonly string[] } | null): boolean {
  return wanted === undefined || (context?.onBehalfOf?.includes(wanted) ?? false)
}

function within({ since, until }: { readonly since?: number; readonly until?: number }, at: number): boolean {
  return (since === undefined || at >= since) && (until === undefined || at < until)
}

/** As payments have it: IPv6 without brackets. */
function hostIn(resource: string): string | undefined {
  return URL.parse(resource)?.hostname.replace(/^\[|\]$/g, '')
}
