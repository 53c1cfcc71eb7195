/**
 * Channeling: what is written of channels, with all that moves with it. The account itself is in channel-account; here it
 * meets sessions, payments and the runs that work on it.
 */
import { refused } from '../errors.ts'
import { formatAtomic } from '../money.ts'
import { endBreach } from './admission.ts'
import type { Budget } from './budget.ts'
import {
  type ChannelRecord,
  closedChannel,
  closingChannel,
  isDue,
  leasedChannel,
  openedChannel,
  putOffChannel,
  toldChannel,
  vouchedChannel,
} from './channel-account.ts'
import type { Channel, ChannelEnd, ChannelNews, NewChannel, Vouching } from './channels.ts'
import type { Chronicle } from './chronicle.ts'
import type { Endings } from './endings.ts'
import type { Payment } from './ledger.ts'
import type { PaymentRecord } from './payment-row.ts'
import type { Tables, Transaction } from './tables.ts'
import { isOpen } from './transitions.ts'

export interface ChannelingOptions {
  readonly tables: Tables
  readonly budget: Budget
  readonly endings: Endings
  readonly chronicle: Chronicle
  /** The run that looks into channels that close. */
  readonly runId: string
}

export class Channeling {
  readonly #options: ChannelingOptions

  constructor(options: ChannelingOptions) {
    this.#options = options
  }

  /** As the port says. @throws PurserError `conflict`, `not_found`, the session's own code where it, or an ancestor, has ended. */
  open(tx: Transaction, channel: NewChannel): Channel {
    const { channels, sessions } = this.#options.tables
    const known = channels.find(channel.id)
    if (known) return known.channel
    const ended = endBreach(sessions.lineage(channel.sessionId), tx.now)
    if (ended) throw refused(ended.code, ended.detail)
    const current = channels.current(channel)
    if (current) throw refused('conflict', `Channel ${current.channel.id} of this kind is ${current.channel.state}; it goes on.`)
    if (channels.saltUsed(channel.salt)) throw refused('conflict', 'Another channel was opened with this salt.')
    const record = openedChannel(channel, tx.now)
    channels.insert(tx, record)
    return record.channel
  }

  /** As the port says. @throws RangeError, and Error where the payment is not one of this channel's session for this. */
  vouch(tx: Transaction, id: string, vouching: Vouching): Channel | undefined {
    const { channels, payments } = this.#options.tables
    const record = this.#seen(id, vouching.version)
    if (!record) return undefined
    const payment = payments.get(vouching.paymentId)
    checkPaid(record.channel, payment.payment, vouching)
    if (!takesVouchers(record.channel, vouching) || !this.#displaceable(tx, record, payment)) return undefined
    const vouched = vouchedChannel(record, vouching, payment.runId)
    const { pending } = vouched.channel
    if (pending) channels.putVoucher(tx, { ...pending, channelId: id })
    return this.#change(tx, record, vouched)
  }

  /** As the port says; a closed one has no news. */
  tell(tx: Transaction, id: string, { version, news }: { readonly version: number; readonly news: ChannelNews }): Channel | undefined {
    const record = this.#seen(id, version)
    if (!record || record.channel.state === 'closed') return undefined
    return this.#change(tx, record, toldChannel(record, news, tx.now))
  }

  /** This run looks into it from now on; undefined where there is nothing to look into, or somebody else does. */
  claim(tx: Transaction, id: string): Channel | undefined {
    const { channels, sessions } = this.#options.tables
    const record = channels.find(id)
    if (!record) return undefined
    const live = record.channel.state === 'opening' || record.channel.state === 'open'
    if (live && !endBreach(sessions.lineage(record.channel.sessionId), tx.now)) return undefined
    const closing = closingChannel(record, tx.now)
    const run = tx.run ?? this.#options.runId
    const due = isDue(closing, { now: tx.now, run, alive: (other) => channels.alive(tx, other) })
    return due ? this.#change(tx, record, leasedChannel(closing, { run, now: tx.now })) : undefined
  }

  putOff(tx: Transaction, id: string, until: number): void {
    const record = this.#options.tables.channels.find(id)
    if (record) this.#change(tx, record, putOffChannel(record, until))
  }

  /** As the port says. @throws PurserError `conflict` where what came back is of a deposit that is not known to be spent. */
  close(tx: Transaction, id: string, end: ChannelEnd): Channel | undefined {
    const record = this.#seen(id, end.version)
    if (record?.channel.state !== 'closing') return undefined
    const closed = closedChannel(record, end, tx.now)
    this.#giveBack(tx, closed.channel)
    return this.#change(tx, record, closed)
  }

  /** What came back, on its deposits, the last one first; each gets an entry. Limits go on counting what was bought. */
  #giveBack(tx: Transaction, channel: Channel): void {
    const deposits = this.#deposits(channel.id)
    let left = channel.returned
    for (const payment of deposits.filter(isSpent)) {
      const back = least(left, payment.terms?.amountAtomic ?? 0n)
      left -= back
      this.#returned(tx, { channel, payment, back })
    }
    if (left === 0n) return
    const open = deposits.find((payment) => isOpen(payment) || payment.state === 'reserved')
    if (open) throw refused('conflict', `Payment ${open.id} is ${open.state}: what came back of it is freed once it is known to be spent.`)
    throw new RangeError(`channel ${channel.id}: ${left} of what came back was never deposited`)
  }

  #returned(tx: Transaction, { channel, payment, back }: { readonly channel: Channel; readonly payment: Payment; readonly back: bigint }) {
    const { tables, budget, endings, chronicle } = this.#options
    const { terms } = payment
    if (!terms) throw new Error(`payment ${payment.id} was reserved without terms`)
    const share = (terms.amount * back) / terms.amountAtomic
    if (share > 0n) budget.lessen(tx, payment.sessionId, { from: terms.amount, to: terms.amount - share })
    if (back > 0n) {
      const source = `channel ${channel.id} ${payment.id}`
      const evidence = channel.transaction ?? 'The escrow has nothing left for this channel.'
      tables.refunds.insert(tx, { paymentId: payment.id, source, amountAtomic: back, evidence, by: 'chain', at: tx.now })
    }
    const counted = tables.payments.refund(tx, payment.id, share)
    const record = back >= terms.amountAtomic ? endings.appease(tx, counted) : counted
    chronicle.append(tx, 'amendment', told(tables, tx, { record, channel }))
    if (back > 0n) chronicle.reconciled(tx, payment.id, 'refunded')
  }

  /** Those that brought something into the channel, or may have; the last one first. */
  #deposits(channelId: string): Payment[] {
    const { channels, payments } = this.#options.tables
    // What was voided may have left for the archive.
    const records = channels.deposits(channelId).flatMap((id) => payments.find(id) ?? [])
    return records.sort((a, b) => (a.seq < b.seq ? 1 : -1)).map(({ payment }) => payment)
  }

  #seen(id: string, version: number): ChannelRecord | undefined {
    const record = this.#options.tables.channels.find(id)
    if (!record) throw refused('not_found', `There is no channel ${id}.`)
    return record.channel.version === version ? record : undefined
  }

  /** A pending one of this run is this run's to take over, and so is one whose run has ended. */
  #displaceable(tx: Transaction, { channel: { pending }, pendingRun }: ChannelRecord, { payment, runId }: PaymentRecord): boolean {
    const { channels, payments } = this.#options.tables
    if (pending === null || pending.paymentId === payment.id) return true
    if (pendingRun !== null && pendingRun !== runId && channels.alive(tx, pendingRun)) return false
    if (pending.deposit === null) return true
    const before = payments.find(pending.paymentId)?.payment
    return before === undefined || (before.state !== 'reserved' && !isOpen(before))
  }

  #change(tx: Transaction, before: ChannelRecord, after: ChannelRecord): Channel {
    if (after !== before) this.#options.tables.channels.change(tx, after)
    return after.channel
  }
}

function takesVouchers({ state }: Channel, { deposit }: Vouching): boolean {
  return state === 'open' || (state === 'opening' && deposit !== undefined)
}

/** What is signed is what was reserved: by this session, and as what. */
function checkPaid(channel: Channel, { id, sessionId, terms }: Payment, { deposit }: Vouching): void {
  const same =
    sessionId === channel.sessionId &&
    terms?.network === channel.network &&
    terms.method === (deposit === undefined ? 'voucher' : 'deposit') &&
    (deposit === undefined || deposit === terms.amountAtomic)
  if (!same) throw new Error(`payment ${id} was not reserved for this in channel ${channel.id}`)
}

/** Its money is spent in the budgets. */
function isSpent({ state }: Payment): boolean {
  return state === 'settled' || state === 'expired'
}

/** The settlement stands; what it says goes on. */
function told(
  { payments }: Pick<Tables, 'payments'>,
  tx: Transaction,
  { record, channel }: { readonly record: PaymentRecord; readonly channel: Channel },
): PaymentRecord {
  const { transaction, terms, id } = record.payment
  const show = (atomic: bigint) => formatAtomic(atomic, channel.decimals)
  const sums = `deposited ${show(channel.deposited)}, charged ${show(channel.charged)}, returned ${show(channel.returned)}`
  const reason = `Channel ${channel.id} is closed: ${sums} ${terms?.asset.symbol ?? ''}.`
  return payments.amendSettlement(tx, id, { kind: 'claimed', transaction: transaction ?? undefined, network: channel.network, reason })
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}
