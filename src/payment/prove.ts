/**
 * Proving: one payment whose outcome is open, or rests on a server's word, is looked for on its chain, and what is
 * certain is written down. What is not certain stays as it is. A network that cannot be asked at all leaves an
 * authorization spent some time after its end, because nobody will ever tell.
 */
import type { Chain, ChainFinding, SignedTransfer } from '../chain/chain.ts'
import { DEPOSIT_COLLECTOR } from '../channel-digest.ts'
import type { Clock } from '../clock.ts'
import { PurserError } from '../errors.ts'
import type { Finding } from '../ledger/findings.ts'
import type { Ledger, Payment } from '../ledger/ledger.ts'
import { EXPIRY_GRACE_MS, MAX_PROOF_DELAY_MS, MAX_WINDOW_S, PROOF_INTERVAL_MS } from '../limits.ts'
import type { Events } from '../telemetry/events.ts'
import { passing } from '../waypoints.ts'
import { findVoucher } from './channels/find-voucher.ts'
import { namedIn, type Resolved } from './report.ts'

export interface ProveDeps {
  readonly ledger: Pick<Ledger, 'resolve' | 'payment' | 'channels'>
  readonly chain: Pick<Chain, 'networks' | 'find'>
  readonly clock: Clock
  readonly events: Pick<Events, 'warned'>
}

export type Proven =
  | { readonly kind: 'resolved'; readonly resolved: Resolved }
  /** `lookAgain`: when something may be known, in milliseconds since 1970. */
  | { readonly kind: 'open' | 'unavailable' | 'contradicted'; readonly reason: string; readonly lookAgain: number }

/** @throws PurserError `ledger_unavailable`; Error for a payment that was never signed. */
export async function prove(deps: ProveDeps, payment: Payment): Promise<Proven> {
  if (payment.terms?.method === 'voucher') return ofChannel(deps, payment)
  const transfer = transferOf(payment)
  if (!deps.chain.networks.includes(transfer.network)) return byTime(deps, payment, transfer)
  const found = await deps.chain.find(transfer)
  switch (found.kind) {
    case 'settled':
      if (found.amountAtomic === 0n)
        return apply(deps, payment, {
          finding: deadAt(found.block, `Used for a transfer of nothing by ${found.transaction}.`),
          outcome: 'void',
        })
      return taken(deps, payment, found)
    case 'used_otherwise':
      return taken(deps, payment, found)
    case 'cancelled':
      return apply(deps, payment, { finding: deadAt(found.block, `Cancelled by ${found.transaction}.`), outcome: 'void' })
    case 'dead':
      return freed(deps, payment, found)
    case 'open':
    case 'unavailable':
      return { kind: found.kind, reason: found.reason, lookAgain: nextLook(deps.clock.now(), transfer, found) }
  }
}

/** A voucher is on no chain: what became of it is what its channel shows when it is closed. */
async function ofChannel(deps: ProveDeps, payment: Payment): Promise<Proven> {
  const finding = await findVoucher(deps.ledger.channels, payment)
  if (!finding) return { kind: 'open', reason: 'Its channel is not closed yet.', lookAgain: deps.clock.now() + MAX_PROOF_DELAY_MS }
  const outcome = finding.kind === 'settled' ? outcomeFor(payment) : finding.kind === 'dead' ? 'void' : 'expired'
  return apply(deps, payment, { finding, outcome })
}

type Certain = Extract<ChainFinding, { kind: 'settled' | 'used_otherwise' }>

function settledBy(found: Certain, reason: string): Extract<Finding, { kind: 'settled' }> {
  const { transaction, block } = found
  const less = found.kind === 'settled' && found.amountAtomic !== undefined ? { amountAtomic: found.amountAtomic } : {}
  return { kind: 'settled', evidence: 'confirmed', transaction, block, reason, ...less }
}

function deadAt(block: bigint, reason: string): Finding {
  return { kind: 'dead', evidence: 'confirmed', block, reason }
}

function outcomeFor({ state }: Payment): 'settled' | 'confirmed' {
  return state === 'settled' ? 'confirmed' : 'settled'
}

/** Used, for this payment or for the other one of its nonce. */
async function taken(deps: ProveDeps, payment: Payment, found: Certain): Promise<Proven> {
  const other = await otherTaker(deps, payment, found)
  // It may still be taken back, and then the transfer is this one's.
  if (other?.state === 'signed')
    return {
      kind: 'open',
      reason: `Payment ${other.id} of the same nonce is about to be sent.`,
      lookAgain: deps.clock.now() + PROOF_INTERVAL_MS,
    }
  if (other) return apply(deps, payment, { finding: deadAt(found.block, `Its nonce was used by payment ${other.id}.`), outcome: 'void' })
  if (found.kind === 'used_otherwise') return takenOtherwise(deps, payment, found)
  return apply(deps, payment, { finding: settledBy(found, 'The chain shows the transfer.'), outcome: outcomeFor(payment) })
}

/** Where two payments of one nonce would have made the same transfer, it is the newer one's. */
async function otherTaker(
  { ledger, chain }: ProveDeps,
  { id, replaces, replacedBy, terms }: Payment,
  found: Certain,
): Promise<Payment | undefined> {
  const otherId = replacedBy ?? replaces
  const other = otherId === null ? undefined : await ledger.payment(otherId)
  if (!other || other.validBefore_s === null || other.state === 'void') return undefined
  if (found.kind === 'settled') return other.replaces === id && isSameTransfer(other.terms, terms) ? other : undefined
  return (await chain.find(transferOf(other))).kind === 'settled' ? other : undefined
}

function isSameTransfer(one: Payment['terms'], other: Payment['terms']): boolean {
  return one?.payTo === other?.payTo && one?.amountAtomic === other?.amountAtomic
}

/** Nobody can tell how much moved and to whom, so that it counts as spent and a person has to look. */
async function takenOtherwise(
  deps: ProveDeps,
  payment: Payment,
  found: Extract<ChainFinding, { kind: 'used_otherwise' }>,
): Promise<Proven> {
  deps.events.warned(`Payment ${payment.id}: ${found.reason} It counts as spent; somebody has to look at it.`)
  const finding = { ...settledBy(found, found.reason), dispute: 'taken_otherwise' } as const
  return apply(deps, payment, { finding, outcome: 'used_otherwise' })
}

/** A settlement that a server claimed and that never was is freed like any other, and said aloud. */
async function freed(deps: ProveDeps, payment: Payment, { block }: Extract<ChainFinding, { kind: 'dead' }>): Promise<Proven> {
  if (payment.state === 'settled') {
    deps.events.warned(`Payment ${payment.id}: ${payment.host} said that it was settled, and the chain shows that it never was.`)
  }
  return apply(deps, payment, { finding: deadAt(block, 'Unused in a final block after the end of its window.'), outcome: 'void' })
}

/** Without a chain to ask: after its end, and some time for clocks that differ, it counts as spent. */
async function byTime(deps: ProveDeps, payment: Payment, { network, validBefore_s }: SignedTransfer): Promise<Proven> {
  const due = validBefore_s * 1000 + EXPIRY_GRACE_MS
  if (deps.clock.now() < due) return { kind: 'open', reason: `No RPC is configured for ${network}.`, lookAgain: due }
  const reason = `The window closed at ${isoOf(validBefore_s)}, and no RPC is configured for ${network} that could tell what became of it.`
  return apply(deps, payment, { finding: { kind: 'expired', reason }, outcome: 'expired' })
}

interface Certainty {
  readonly finding: Finding
  readonly outcome: Resolved['outcome']
}

/** A finding that contradicts what is final is for people: one of the two is wrong. */
async function apply({ ledger, events, clock }: ProveDeps, payment: Payment, { finding, outcome }: Certainty): Promise<Proven> {
  try {
    passing('before resolving')
    const { transaction } = await ledger.resolve(payment.id, finding)
    passing('resolved')
    return { kind: 'resolved', resolved: { ...namedIn(payment), outcome, transaction, reason: finding.reason } }
  } catch (fault) {
    if (!(fault instanceof PurserError) || fault.refusal.code !== 'conflict') throw fault
    const reason = `The chain contradicts what is final in the ledger: ${fault.refusal.detail} The chain: ${finding.kind}, ${finding.reason}`
    events.warned(`Payment ${payment.id}: ${reason}`)
    return { kind: 'contradicted', reason, lookAgain: clock.now() + MAX_PROOF_DELAY_MS }
  }
}

function transferOf({ id, terms, nonce, validBefore_s, signedAt, decidedAt, authorized }: Payment): SignedTransfer {
  if (!terms || nonce === null || validBefore_s === null) throw new Error(`payment ${id} was never signed, so there is nothing to look for`)
  const { network, asset, payer, payTo, amountAtomic, scheme, method } = terms
  const signedAt_s = Math.floor((signedAt ?? decidedAt) / 1000)
  const permit = method !== 'permit2' ? {} : { permit: scheme === 'upto' ? ('upto' as const) : ('exact' as const) }
  const proof = authorized === undefined ? {} : { authorized }
  // What is deposited is the recipient's only in the end.
  const to = method === 'deposit' ? DEPOSIT_COLLECTOR : payTo
  return { network, token: asset.address, payer, payTo: to, nonce, amountAtomic, ...permit, validBefore_s, signedAt_s, ...proof }
}

/** At its end; soon where the chain has it already; later and later where the chain, long after the end, does not tell. */
function nextLook(now: number, { validBefore_s }: SignedTransfer, found: Extract<ChainFinding, { kind: 'open' | 'unavailable' }>): number {
  if (found.kind === 'open' && found.seen) return now + PROOF_INTERVAL_MS
  const end = validBefore_s * 1000
  // Only what was signed beforehand lives longer than that.
  if (now < end) return Math.min(end, now + MAX_WINDOW_S * 1000)
  return now + Math.min(Math.max(Math.floor((now - end) / 4), PROOF_INTERVAL_MS), MAX_PROOF_DELAY_MS)
}

function isoOf(time_s: number): string {
  return new Date(time_s * 1000).toISOString()
}
