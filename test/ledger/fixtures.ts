/** Sessions, attempts and authorizations as the ledger's callers make them; a test changes only what it is about. */
import type { Ids } from '../../src/clock.ts'
import type { Attempt, NewSession, ReserveRequest, Terms } from '../../src/ledger/ledger.ts'
import type { Authorization, Settlement } from '../../src/rails/rail.ts'

/** Dollars as millionths: usd(3) is $3. */
export const usd = (dollars: number): bigint => BigInt(Math.round(dollars * 1_000_000))

export const NETWORK = 'eip155:84532'
/** The network whose chain can be asked in the conformance suite. */
export const CONFIRMABLE = 'eip155:8453'
export const PAY_TO = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C'
export const OTHER_PAY_TO = '0x1111111111111111111111111111111111111111'
const PAYER = '0x857b06519E91e3A54538791bDbb0E22373e36b66'
const TOKEN = '0x036CbD53842c5426634e7929541eC2318f3dCF7e'

/** Fresh names and numbers for the things of one test. */
export function fixtures(ids: Ids, now: () => number) {
  const nonce = (): `0x${string}` => `0x${Buffer.from(ids('nonce')).toString('hex').padStart(64, '0').slice(-64)}`
  return {
    session(changes: Partial<NewSession> = {}): NewSession {
      const id = ids('ses')
      return {
        id,
        tokenHash: `hash of ${id}`,
        name: null,
        agent: 'researcher',
        purpose: 'test',
        currency: 'USD',
        cap: usd(25),
        createdAt: now(),
        expiresAt: now() + 3_600_000,
        limits: {},
        scope: {},
        networks: [NETWORK],
        assets: ['USDC'],
        wallet: null,
        owner: 'ops',
        parent: null,
        singleUse: false,
        labels: {},
        refill: null,
        ...changes,
      }
    },

    attempt(sessionId: string, changes: Partial<Attempt> = {}): Attempt {
      return {
        sessionId,
        agent: 'researcher',
        paymentRequestId: ids('exc'),
        method: 'GET',
        url: 'https://api.example.com/data',
        origin: 'https://api.example.com',
        host: 'api.example.com',
        challengeDigest: 'c'.repeat(64),
        tool: null,
        task: null,
        user: null,
        justification: null,
        tier: 'autonomous',
        rule: 'tiers.autonomous',
        reason: 'It is small and the recipient is verified.',
        policyVersion: '1',
        wouldBe: null,
        categories: [],
        trust: 'verified',
        context: null,
        challengedAt: now(),
        decidedAt: now(),
        terms: null,
        ...changes,
      }
    },

    /** A request to reserve `amount`; a purchase of its own unless told otherwise. */
    request(sessionId: string, amount: bigint, changes: RequestChanges = {}): ReserveRequest {
      const { attempt, terms, fingerprint, keyDigest, ...rest } = changes
      return {
        purchase: { sessionId, fingerprint: fingerprint ?? ids('fingerprint'), keyDigest: keyDigest ?? null },
        purchaseId: ids('pur'),
        paymentId: ids('pay'),
        nonce: nonce(),
        attempt: { ...this.attempt(sessionId, attempt), terms: termsOf(amount, terms) },
        frequency: null,
        pin: false,
        ...rest,
      }
    },
  }
}

export interface RequestChanges
  extends Partial<
    Pick<
      ReserveRequest,
      'purchaseId' | 'paymentId' | 'nonce' | 'challengeNonce' | 'presigned' | 'frequency' | 'pin' | 'notAfter' | 'replaces'
    >
  > {
  readonly attempt?: Partial<Attempt>
  readonly terms?: Partial<Terms>
  readonly fingerprint?: string
  readonly keyDigest?: string
}

export function termsOf(amount: bigint, changes: Partial<Terms> = {}): Terms {
  return {
    rail: 'x402',
    protocolVersion: 2,
    scheme: 'exact',
    network: NETWORK,
    asset: { symbol: 'USDC', address: TOKEN, decimals: 6 },
    amountAtomic: amount,
    amount,
    currency: 'USD',
    payTo: PAY_TO,
    payer: PAYER,
    flow: 'authorization',
    ...changes,
  }
}

/** What a wallet would have signed for this request. */
export function authorizationFor({ nonce, attempt }: Pick<ReserveRequest, 'nonce' | 'attempt'>): Authorization {
  const payTo: `0x${string}` = `0x${attempt.terms.payTo.slice(2)}`
  const [validAfter_s, validBefore_s] = [1_782_561_600, 1_782_561_720]
  return {
    headers: ['X-PAYMENT', `signed ${nonce}`],
    payer: PAYER,
    payTo,
    nonce,
    validAfter_s,
    validBefore_s,
    signature: `0x${'5'.repeat(130)}`,
    transfer: { to: payTo, value: attempt.terms.amountAtomic, nonce },
  }
}

export const CLAIMED: Settlement = {
  kind: 'claimed',
  transaction: `0x${'ab'.repeat(32)}`,
  network: NETWORK,
  reason: 'The server says that it settled.',
}
export const NEVER_SENT = { kind: 'never_sent', reason: 'The connection failed before a byte left.', code: 'upstream_unreachable' } as const
export const NEVER_SIGNED = { kind: 'never_signed', reason: 'The wallet does not answer.', code: 'wallet_insufficient' } as const
export const COMPLETE = { status: 200, bytes: 10, complete: true } as const
export const BROKEN = { status: 502, bytes: 0, complete: true } as const
