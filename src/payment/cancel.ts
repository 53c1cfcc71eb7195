/**
 * Cancelling: an authorization that may still be taken is made worthless by another signature, if that reaches a block
 * first. The ledger does not change by it: what a final block shows afterwards does, as with every open payment.
 */
import { getAddress } from 'viem'
import type { Cancellation, GasWallet } from '../chain/chain.ts'
import type { Clock } from '../clock.ts'
import { refused } from '../errors.ts'
import type { Ledger, Payment } from '../ledger/ledger.ts'
import type { Asset } from '../money.ts'
import { sameAddress } from '../policy/trust.ts'
import { chainIdOf, isSolana } from '../rails/x402/assets.ts'
import type { CancelAuthorization, Hex, Wallet } from '../wallet/wallet.ts'

/** What anyone with gas can send to the token. */
export interface CancelCall {
  readonly chainId: number
  readonly to: string
  readonly data: string
}

export interface CancelDeps {
  readonly ledger: Pick<Ledger, 'payment' | 'session'>
  readonly wallet: Pick<Wallet, 'address' | 'signCancel' | 'payers'>
  /** Known tokens, with the domains that they verify signatures in. */
  readonly assets: readonly Asset[]
  readonly clock: Clock
  /** The token's function with its arguments. */
  readonly callOf: (cancellation: Cancellation) => CancelCall
  readonly gasWallet?: Pick<GasWallet, 'cancel'>
}

export interface Cancelled {
  /** `signed`: nobody here has gas, or the network did not take it; whoever has another way can send the call. */
  readonly kind: 'submitted' | 'signed'
  readonly paymentId: string
  readonly network: string
  readonly transaction: string | null
  readonly call: CancelCall
  /** What happens now, for people. */
  readonly note: string
}

/**
 * @throws PurserError `not_found`; `conflict` where nothing can be cancelled any more or the token is not known here.
 */
export type Cancel = (paymentId: string) => Promise<Cancelled>

export function createCancel(deps: CancelDeps): Cancel {
  return async (paymentId) => {
    const payment = await deps.ledger.payment(paymentId)
    if (!payment) throw refused('not_found', `There is no payment ${paymentId}.`)
    const cancellation = await sign(deps, payment)
    const call = deps.callOf(cancellation)
    const { network } = cancellation
    const done = { paymentId, network, call }
    const sent = await submit(deps, cancellation)
    if ('transaction' in sent) return { ...done, ...sent, kind: 'submitted', note: RACE }
    return { ...done, kind: 'signed', transaction: null, note: noteOn(payment, sent.why) }
  }
}

/** Where the network does not take it, what was signed is still of use to whoever has another way there. */
async function submit({ gasWallet }: CancelDeps, cancellation: Cancellation): Promise<{ transaction: string } | { why: string }> {
  if (!gasWallet) return { why: 'Nothing was sent: no gas wallet is configured.' }
  try {
    return { transaction: await gasWallet.cancel(cancellation) }
  } catch (fault) {
    if (!(fault instanceof Error) || fault.name !== 'RpcError') throw fault
    return { why: `The gas wallet could not submit it: ${fault.message.replace(/[.!?]?$/, '.')}` }
  }
}

/** What Circle's tokens, and others after them, say of a nonce that is over. It is the server's word, so it only changes the advice. */
const USED_ALREADY = /authorization is (used|cancell?ed)/i

function noteOn({ validBefore_s }: Payment, why: string): string {
  if (USED_ALREADY.test(why)) return `${why} Then this call can do nothing any more: \`purser reconcile\` asks the chain how it ended.`
  const until = new Date((validBefore_s ?? 0) * 1000).toISOString()
  return `${why} Anyone with gas can send this call; it is of use until ${until}. ${RACE}`
}

const RACE =
  'It races the settlement: whichever comes into a block first wins. The payment stays held until a final block shows which, and then it is void or settled.'

async function sign({ ledger, wallet, assets, clock }: CancelDeps, payment: Payment): Promise<Cancellation> {
  const { terms, nonce } = checkOpen(payment, clock.now())
  const { network } = terms
  if (terms.method === 'voucher') {
    const detail = `Payment ${payment.id} is a voucher of a channel, which nothing cancels; closing the session's channel brings back what was not charged.`
    throw refused('conflict', detail)
  }
  if (terms.method === 'permit2') {
    const detail = `Payment ${payment.id} was signed for Permit2, where only a transaction of the wallet itself cancels; it ends with its window.`
    throw refused('conflict', detail)
  }
  const asset = assets.find((known) => known.network === network && sameAddress(known.address, terms.asset.address))
  const chainId = chainIdOf(network)
  if (isSolana(network)) {
    throw refused(
      'conflict',
      `A payment on ${network} cannot be cancelled: no block can take it any more some two minutes after it was signed.`,
    )
  }
  if (!asset?.eip712 || chainId === undefined) {
    throw refused('conflict', `Token ${terms.asset.address} on ${network} is not configured here, so its cancellation cannot be signed.`)
  }
  const walletName = (await ledger.session(payment.sessionId))?.wallet ?? null
  const payers = (await wallet.payers?.(walletName)) ?? [await wallet.address(walletName)]
  const authorizer = payers.find((payer) => sameAddress(payer, terms.payer))
  if (authorizer === undefined) {
    throw refused('conflict', `Payment ${payment.id} was signed by ${terms.payer}, and the wallet here is ${payers.join(', ')}.`)
  }
  const data: CancelAuthorization = {
    domain: { ...asset.eip712, chainId, verifyingContract: getAddress(asset.address) },
    authorizer,
    nonce,
  }
  return { network, token: asset.address, authorizer, nonce, signature: await wallet.signCancel(walletName, data) }
}

const OPEN: ReadonlySet<Payment['state']> = new Set(['signed', 'sent', 'unknown'])

function checkOpen({ id, state, terms, nonce, validBefore_s }: Payment, now: number): { terms: NonNullable<Payment['terms']>; nonce: Hex } {
  if (!OPEN.has(state)) throw refused('conflict', `Payment ${id} is ${state}; only one that may still be taken can be cancelled.`)
  if (!terms || validBefore_s === null || !isNonce(nonce)) throw new Error(`payment ${id} is ${state} and was never signed`)
  if (validBefore_s * 1000 <= now) {
    const end = new Date(validBefore_s * 1000).toISOString()
    throw refused(
      'conflict',
      `The window of payment ${id} closed at ${end}; it can be taken no more, and the chain tells what became of it.`,
    )
  }
  return { terms, nonce }
}

function isNonce(nonce: string | null): nonce is Hex {
  return nonce !== null && /^0x[0-9a-f]{64}$/.test(nonce)
}
