/**
 * The MPP rail: `WWW-Authenticate: Payment`, of which a `charge` on EVM by EIP-3009 is paid. auth-params: the header by
 * its grammar; challenge: what of it asks for payments; offer: each of them vetted against our own registry of assets;
 * authorization: the transfer signed under the challenge's own nonce and put into a credential; settlement: the receipt.
 */
import { hash } from 'node:crypto'
import { headerValue, headerValues, type RawHeaders } from '../../http.ts'
import type { Asset } from '../../money.ts'
import type { Challenge, Detected, Offer, Rail, RejectedOffer } from '../rail.ts'
import { createRegistry, type Registry } from '../x402/assets.ts'
import { authorize, nonceOf } from './authorization.ts'
import { readPayments } from './challenge.ts'
import { readOffer } from './offer.ts'
import { readReceipt } from './settlement.ts'

const CHALLENGE_HEADER = 'www-authenticate'
const VERSION = 1

/** What is accepted: these assets, on these networks (CAIP-2). */
export function createMppRail(accepted: { readonly assets: readonly Asset[]; readonly networks: readonly string[] }): Rail {
  const registry = createRegistry(accepted)
  const own = new WeakSet<Challenge>()
  return {
    name: 'mpp',
    paymentHeaders: ['payment-authorization', 'authorization payment'],
    detect(head, _body, asked) {
      if (head.status !== 402) return undefined
      const detected = read(headerValues(head.headers, CHALLENGE_HEADER), asked, registry)
      if (detected?.kind === 'challenge') own.add(detected.challenge)
      return detected
    },
    // Each challenge has a name of its own, so that none stands for another.
    recurring: (challenge) => ({ challenge, text: JSON.stringify([challenge.digest, challenge.offers.map(({ raw }) => raw)]) }),
    nonceOf,
    authorize: (request, wallet) => authorize(request, wallet, { holds: (challenge) => own.has(challenge) }),
    settlement: readReceipt,
    askAgain: () => undefined,
  }
}

function read(values: readonly string[], asked: RawHeaders | undefined, registry: Registry): Detected | undefined {
  const found = readPayments(values)
  if (found.kind === 'none') return undefined
  if (found.kind === 'broken') return { kind: 'invalid', reason: found.reason }
  const offers: Offer[] = []
  const rejected: RejectedOffer[] = []
  const authorized = headerValue(asked ?? [], 'authorization') !== undefined
  for (const [index, params] of found.payments.entries()) {
    const offer = readOffer(params, { index, authorized }, registry)
    if ('code' in offer) rejected.push(Object.freeze(offer))
    else offers.push(Object.freeze(offer))
  }
  const digest = digestOf(offers, rejected)
  const parts = { offers: Object.freeze(offers), rejected: Object.freeze(rejected) }
  return { kind: 'challenge', challenge: Object.freeze({ rail: 'mpp', protocolVersion: VERSION, ...parts, digest, echo: '{}' }) }
}

/** Over the evaluated values in a fixed order: ids, times and free text leave it as it is. */
function digestOf(offers: readonly Offer[], rejected: readonly RejectedOffer[]): string {
  const terms = offers.map(({ index, scheme, network, asset, amount, payTo, flow }) => [
    ...[index, scheme, network, asset.address, amount.toString(), payTo, flow],
  ])
  return hash('sha256', JSON.stringify(['mpp', VERSION, terms, rejected.map(({ index, code }) => [index, code])]), 'hex')
}
