/**
 * Refunds: transfers from a recipient back to the wallet that paid it. Each is counted for one payment, once, however
 * often its block is looked at; what fits no payment is told, and budgets grow by none of it.
 */
import type { Chain, Incoming } from '../chain/chain.ts'
import { ESCROW } from '../channel-digest.ts'
import type { Clock } from '../clock.ts'
import { PurserError } from '../errors.ts'
import type { Ledger, Payment } from '../ledger/ledger.ts'
import { MAX_INCOMING_STEPS, MAX_LOG_BLOCKS } from '../limits.ts'
import { sameAddress } from '../policy/trust.ts'
import type { Events } from '../telemetry/events.ts'
import type { MatchedRefund } from './report.ts'

export interface RefundDeps {
  readonly ledger: Pick<Ledger, 'scannedTo' | 'scanned' | 'settledTo' | 'refund'> & Partial<Pick<Ledger, 'fundings'>>
  readonly chain: Pick<Chain, 'incoming'>
  readonly clock: Clock
  readonly events: Pick<Events, 'warned'>
}

/** A wallet of ours on a network, with the tokens that it pays in. */
export interface WatchedWallet {
  readonly network: string
  readonly wallet: string
  readonly tokens: readonly string[]
}

export interface CameBack {
  readonly refunds: readonly MatchedRefund[]
  readonly unmatched: readonly Incoming[]
}

/** Written down as soon as something came, else so often that a restart has little to look at again. */
const KEPT_POSITION_BLOCKS = BigInt(MAX_LOG_BLOCKS) / 4n

/**
 * Looks at the blocks that are new since the last time; the first time only notes where the chain is.
 * @param signal ends it after the step that runs; the next time begins there.
 * @throws Error where the network cannot be asked, PurserError where the ledger cannot.
 */
export async function lookForRefunds(deps: RefundDeps, watched: WatchedWallet, signal?: AbortSignal): Promise<CameBack> {
  const { ledger, chain } = deps
  const { network, wallet, tokens } = watched
  const found: Found = { refunds: [], unmatched: [] }
  let kept = await ledger.scannedTo(network, wallet)
  let after = kept
  for (let step = 0; step < MAX_INCOMING_STEPS && !signal?.aborted; step++) {
    const { transfers, upTo } = await chain.incoming({ network, wallet, tokens, after })
    for (const transfer of transfers) if (!(await isFunding(deps, transfer))) note(found, transfer, await place(deps, transfer))
    if (kept === undefined || transfers.length > 0 || upTo - kept >= KEPT_POSITION_BLOCKS) {
      await ledger.scanned(network, wallet, upTo)
      kept = upTo
    }
    if (after === undefined || upTo - after < BigInt(MAX_LOG_BLOCKS)) break
    after = upTo
  }
  return found
}

/** Our own treasury's money, which nobody gave back. */
async function isFunding({ ledger: { fundings } }: RefundDeps, { from, to, network, token, amountAtomic }: Incoming): Promise<boolean> {
  const account = await fundings?.accountAt(to)
  if (!account || !fundings) return false
  const rows = await fundings.fundings(account.sessionId)
  const isIt = (row: (typeof rows)[number]) => row.kind !== 'sweep' && row.network === network && row.amountAtomic === amountAtomic
  return rows.some((row) => isIt(row) && sameAddress(row.from, from) && sameAddress(row.token, token))
}

interface Found {
  readonly refunds: MatchedRefund[]
  readonly unmatched: Incoming[]
}

function note({ refunds, unmatched }: Found, transfer: Incoming, placed: Awaited<ReturnType<typeof place>>): void {
  if (placed === 'unmatched') unmatched.push(transfer)
  else if (placed) refunds.push(placed)
}

/** Undefined where the transfer is counted already. */
async function place(deps: RefundDeps, transfer: Incoming): Promise<MatchedRefund | 'unmatched' | undefined> {
  const { ledger, clock, events } = deps
  const { network, token, from, to, amountAtomic, transaction, logIndex, block } = transfer
  // What comes back from a channel is counted when the channel is closed.
  if (sameAddress(from, ESCROW)) return undefined
  const paid = await ledger.settledTo({ network, token, payTo: from })
  const payment = matchRefund(transfer, paid)
  if (!payment) {
    const known = paid.length > 0
    if (known) events.warned(`${from} was paid before and sent ${amountAtomic} units of ${token} back in ${transaction}; no payment fits.`)
    return 'unmatched'
  }
  const source = `${network}/${transaction}/${logIndex}`
  const evidence = `Transfer of ${amountAtomic} units from ${from} to ${to} in transaction ${transaction}, block ${block}.`
  const refund = { paymentId: payment.id, source, amountAtomic, evidence, by: 'chain', at: clock.now() }
  const counted = await ledger.refund(refund).catch((fault: unknown) => {
    if (!(fault instanceof PurserError) || fault.refusal.code !== 'conflict') throw fault
    // Looked at once more, it may fit another payment than the one that it was counted for.
    events.warned(`The transfer back in ${transaction} was not counted for payment ${payment.id}: ${fault.refusal.detail}`)
    return undefined
  })
  return counted && { paymentId: payment.id, source, amountAtomic, symbol: payment.terms?.asset.symbol ?? token, transaction }
}

/**
 * The payment that a transfer back is for: made by that wallet, not after it, with enough that has not come back yet.
 * One of exactly this amount goes first, then one under dispute, then the newest.
 * @param paid newest first.
 */
export function matchRefund({ to, amountAtomic, block }: Incoming, paid: readonly Payment[]): Payment | undefined {
  const fits = paid.filter(
    (payment) =>
      payment.terms !== null &&
      sameAddress(payment.terms.payer, to) &&
      (payment.block === null || BigInt(payment.block) <= block) &&
      leftOf(payment) >= amountAtomic,
  )
  const exact = fits.filter((payment) => leftOf(payment) === amountAtomic)
  const nearest = exact.length > 0 ? exact : fits
  return nearest.find(({ dispute }) => dispute !== null) ?? nearest[0]
}

/** Atomic units that have not come back; what came back is rounded up, so that never more comes back than was paid. */
function leftOf({ terms, refunded }: Payment): bigint {
  if (!terms) return 0n
  const { amount, amountAtomic } = terms
  return amountAtomic - (refunded * amountAtomic + amount - 1n) / amount
}
