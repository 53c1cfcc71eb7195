/** What all replicas of all histories share and nothing changes: policy, rail, wallet, secrets. */
import type { Policy } from '../../src/payment/deps.ts'
import type { People } from '../../src/payment/people.ts'
import { tiersSchema } from '../../src/policy/tiers.ts'
import { knownAssets } from '../../src/rails/x402/assets.ts'
import { createX402Rail } from '../../src/rails/x402/x402.ts'
import type { Events } from '../../src/telemetry/events.ts'
import { createLocalWallet } from '../../src/wallet/local-key.ts'
import type { Wallet } from '../../src/wallet/wallet.ts'
import { NETWORK, USDC } from '../testnet/chain.ts'
import { quickRail, quickWallet } from './quick-rail.ts'

const tiers = tiersSchema.parse([
  {
    name: 'autonomous',
    conditions: { maxAmount: '50', categories: ['api_calls'], recipientTrust: 'verified', frequency: { max: 1_000, per: '1h' } },
    approval: 'none',
  },
])

const rules: Policy['rules'] = {
  categories: [{ host: '*', category: 'api_calls' }],
  recipients: { verified: [{ host: '*.example.com' }], blocked: [] },
  jurisdictions: { sanctioned: [] },
}

const policy: Policy = { mode: 'enforce', tiers, rules, version: 'chaos' }

const ignore = () => undefined

const events: Events = {
  ...{ exchangeEnded: ignore, challengeSeen: ignore, decided: ignore, paymentEntered: ignore, thresholdReached: ignore },
  ...{ reconciled: ignore, phaseTook: ignore, ledgerTook: ignore, receiptWritten: ignore, undelivered: ignore },
  ...{ archived: ignore, retentionPassed: ignore, fundingEnded: ignore },
  ...{ upstreamConnections: ignore, approvalWaited: ignore, noticeEnded: ignore, approvalUndelivered: ignore, priceDrifted: ignore },
  ...{
    circuitTurned: ignore,
    loopDetected: ignore,
    channelStepped: ignore,
    sessionDrifted: ignore,
    preempted: ignore,
    signedIn: ignore,
    workerEnded: ignore,
    workersUp: ignore,
  },
  ...{ warned: ignore, faulted: ignore },
}

const unasked = () => Promise.reject(new Error('no tier of this house asks people'))

/** Its policy asks nobody. */
const people: People = {
  approvals: {
    ...{ claim: unasked, unclaim: unasked, ask: unasked, openWindow: unasked, settled: unasked, closeWindow: unasked },
    ...{ withdraw: unasked, approvals: unasked },
  },
  ...{ hold_ms: 0, vetoHold_ms: 0, approvalUrl: ignore, stopping: new AbortController().signal, alert: unasked },
}

const rail = createX402Rail({ assets: knownAssets(), networks: [NETWORK] })
const wallet: Wallet = createLocalWallet({ key: `0x${'c0ffee11'.repeat(8)}` })

/** Reading, signing and proving by the real parts takes a third of a history's time, and is the same each time. */
const PROVES_ONE_IN = 20
const payer = await wallet.address(null)
const real = { rail, wallet }
const quick = { rail: quickRail(rail), wallet: quickWallet(payer) }

/** What reads challenges and signs: in one history of some the real parts, in the others quick ones. */
export function tillOf(seed: number): typeof real {
  return seed % PROVES_ONE_IN === 0 ? real : quick
}

export const HOUSE = {
  network: NETWORK,
  /** Where transfers back are looked for. */
  watched: { network: NETWORK, wallet: payer, tokens: [USDC] },
  policy,
  events,
  people,
  /** 32 bytes, for nonces and kept answers alike. */
  secret: new Uint8Array(32).fill(7),
} as const
