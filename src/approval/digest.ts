/** The digest that binds an approval to exactly one payment (rule R15). */
import { createHash } from 'node:crypto'
import type { Shown } from './approval.ts'

/** What is approved: the request and the terms, and nothing that only describes them, nor any time. */
export type Approvable = { readonly sessionId: string } & Pick<
  Shown,
  'method' | 'url' | 'bodyDigest' | 'rail' | 'scheme' | 'network' | 'amountAtomic' | 'payTo' | 'flow'
> & { readonly asset: Pick<Shown['asset'], 'address'> }

/**
 * SHA-256 (hex) of the canonical JSON (RFC 8785) of session, method, URL, body digest, rail, scheme, network, asset
 * address, amount, recipient and flow. What may be written in several ways is taken as it is given: another spelling of
 * an address is another payment, and people are asked again.
 */
export function approvalDigest(facts: Approvable): string {
  return createHash('sha256').update(canonicalText(facts), 'utf8').digest('hex')
}

/** Members in the order of their names, all of them text: so plain JSON is canonical. */
function canonicalText(facts: Approvable): string {
  const { amountAtomic, asset, bodyDigest, flow, method, network, payTo, rail, scheme, sessionId, url } = facts
  const amount = amountAtomic.toString()
  return JSON.stringify({
    amountAtomic: amount,
    asset: asset.address,
    bodyDigest,
    flow,
    method,
    network,
    payTo,
    rail,
    scheme,
    session: sessionId,
    url,
  })
}
