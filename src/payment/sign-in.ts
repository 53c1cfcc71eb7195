/**
 * Signing in (`sign-in-with-x`): where this session has paid before, a listed recipient may be asked for what was paid for
 * by a login with the paying key, before anything is paid again. It moves no money, and stands in no receipt.
 */

import { MAX_EARLIER_PAYMENTS, MAX_LOGIN_AGE_MS, MAX_LOGIN_MS } from '../extension-limits.ts'
import { type Answer, discard } from '../http.ts'
import { isBlocked, listingsOf } from '../policy/trust.ts'
import type { LoginRequest } from '../rails/rail.ts'
import { SIGN_IN } from '../rails/x402/extensions/said.ts'
import type { PaymentOutcome, Send } from '../session/exchange.ts'
import type { Login } from '../wallet/wallet.ts'
import { recipientHaltAt } from './bars.ts'
import type { Case } from './case.ts'
import { placeOf } from './place.ts'

/** What was paid for, a try that opened nothing, or no try at all. */
export type SignedIn = Extract<PaymentOutcome, { kind: 'answer' }> | 'not_let_in' | 'not_tried'

/**
 * Logs in once where the operator allows it, the challenge asks for a login to the very origin that was asked, and this
 * session has a settled payment there. Everything else, a fault of the wallet included, leads on to the payment.
 */
export async function signIn(matter: Case, send: Send): Promise<SignedIn> {
  const { deps, request, challenge } = matter
  const asked = challenge.said?.login
  if (!asked || !isWelcome(matter) || (await recipientHaltAt(deps.ledger, request.url, challenge.offers))) return 'not_tried'
  const address = await deps.wallet.address(request.session.wallet)
  const login = loginFor(asked, { url: request.url, networks: request.session.networks, now: deps.clock.now() })
  if (!login || !(await hasPaid(matter, address))) return 'not_tried'
  // A nonce that came before could be one that somebody else waits to use.
  if (!deps.guards.isNews(`login ${placeOf(request.url).origin} ${login.nonce}`)) return 'not_tried'
  const header = await headerOf(matter, { ...login, address })
  if (header === undefined) return 'not_tried'
  const result = await send({ set: [SIGN_IN.toUpperCase(), header] })
  const letIn = result.kind === 'answer' && result.answer.status >= 200 && result.answer.status < 300
  const outcome = letIn ? 'let_in' : 'not_let_in'
  deps.events.signedIn(outcome)
  request.line.login = outcome
  if (letIn) return handedOn(result.answer)
  if (result.kind === 'answer') discard(result.answer)
  return 'not_let_in'
}

function handedOn(answer: Answer): Exclude<SignedIn, string> {
  return { kind: 'answer', answer, headers: ['Purser-Money', 'none'], delivered: () => undefined, unpaid: true }
}

/** Listed for it, and neither the host nor any of its recipients blocked. */
function isWelcome({ deps, request, challenge }: Case): boolean {
  const { verified, blocked } = deps.policy().rules.recipients
  const { host, port } = placeOf(request.url)
  const here = { host, port, payTo: '' }
  const recipients = [here, ...challenge.offers.map(({ payTo }) => ({ host, port, payTo }))]
  if (recipients.some((one) => isBlocked(one, blocked))) return false
  return listingsOf(here, verified).some((listing) => listing.signIn === true)
}

/** This session, this wallet, this origin: what others paid for is not opened. */
async function hasPaid({ deps, request }: Case, address: string): Promise<boolean> {
  const { origin, host } = placeOf(request.url)
  const filter = { session: request.session.id, recipient: host, state: 'settled' as const }
  const { items } = await deps.ledger.payments(filter, { limit: MAX_EARLIER_PAYMENTS })
  return items.some((payment) => payment.origin === origin && payment.terms?.payer === address)
}

interface Asked {
  readonly url: string
  /** CAIP-2 names of what the session may pay on. */
  readonly networks: readonly string[]
  /** Milliseconds since 1970. */
  readonly now: number
}

/**
 * The login as it would be signed: for the origin that was asked and nothing beyond it, short-lived, without the site's
 * statement, which nobody here has read. Undefined where the site asks for anything else.
 */
export function loginFor(asked: LoginRequest, { url, networks, now }: Asked): Omit<Login, 'address'> | undefined {
  const { origin, host } = new URL(url)
  const here = (other: string) => URL.canParse(other) && new URL(other).origin === origin
  const [issued_ms, ends_ms] = [
    Date.parse(asked.issuedAt),
    asked.expirationTime === undefined ? undefined : Date.parse(asked.expirationTime),
  ]
  const network = asked.networks.find((one) => networks.includes(one))
  const [, chainId] = /^eip155:([1-9][0-9]{0,14})$/.exec(network ?? '') ?? []
  if (asked.domain !== host || ![asked.uri, ...asked.resources].every(here) || chainId === undefined) return undefined
  // Not a number compares as false.
  if (!(Math.abs(now - issued_ms) <= MAX_LOGIN_AGE_MS) || (ends_ms !== undefined && !(ends_ms > now))) return undefined
  return {
    ...{ domain: asked.domain, uri: asked.uri, chainId: Number.parseInt(chainId, 10), nonce: asked.nonce },
    issuedAt: new Date(issued_ms).toISOString(),
    expirationTime: new Date(Math.min(ends_ms ?? now + MAX_LOGIN_MS, now + MAX_LOGIN_MS)).toISOString(),
    ...(asked.resources.length > 0 && { resources: asked.resources }),
  }
}

/** Base64 of the login's parts with its signature. Undefined where the wallet does not sign it: that is no reason not to pay. */
async function headerOf({ deps, request }: Case, login: Login): Promise<string | undefined> {
  try {
    const signature = await deps.wallet.signLogin(request.session.wallet, login)
    const said = { ...login, version: '1', chainId: `eip155:${login.chainId}`, type: 'eip191', signature }
    return Buffer.from(JSON.stringify(said)).toString('base64')
  } catch (fault) {
    deps.events.warned('A login could not be signed; the request goes on to its payment.', fault)
    return undefined
  }
}
