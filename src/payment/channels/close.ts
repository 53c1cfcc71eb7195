/**
 * Closing channels: one look at one of them, which does what can be done now and says when to look again. Every look goes
 * on from what the ledger and final blocks of the chain show, so that it may break off anywhere and begin anew.
 *
 * The invariant: what the chain took into the channel is what came back and what the escrow still holds of it, to the
 * unit. The channel is closed once no voucher of ours leaves anything that could come back.
 */
import type { EscrowSighting, Escrows } from '../../chain/chain.ts'
import { CLOSING_LOOK_MS, CLOSING_RETRY_MS, MAX_ASKS_BACK, MAX_CLOSING_STEPS } from '../../channel-limits.ts'
import type { Clock } from '../../clock.ts'
import type { Channel, ChannelNews } from '../../ledger/channels.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { least } from '../../money.ts'
import { chainIdOf } from '../../rails/x402/assets.ts'
import { nextClosingStep } from '../../rails/x402/channels/closing.ts'
import type { Events } from '../../telemetry/events.ts'
import type { ChannelWallet } from '../../wallet/wallet.ts'
import { type AskBackDeps, askBack } from './ask-back.ts'
import { filledBy } from './deposits.ts'
import { configOf } from './heard.ts'
import type { ClosingMemory } from './patience.ts'

export interface CloseDeps extends Omit<AskBackDeps, 'wallet'> {
  readonly ledger: Pick<Ledger, 'channels' | 'payment' | 'payments' | 'session'>
  readonly escrows: Escrows
  readonly wallet: Pick<ChannelWallet, 'signVoucher' | 'signWithdrawal'>
  readonly clock: Clock
  readonly events: Pick<Events, 'warned' | 'channelStepped'>
  readonly memory: ClosingMemory
}

/** What came of one step. */
type Stepped =
  | { readonly kind: 'closed'; readonly channel: Channel }
  /** The ledger knows more now. */
  | { readonly kind: 'on'; readonly channel: Channel }
  /** Nothing can be done before then; the reason is for people where somebody has to do something. */
  | { readonly kind: 'later'; readonly wait_ms: number; readonly reason?: string }

/**
 * Looks into a channel that this run has claimed, and lets go of it.
 * @returns the channel where it is closed now.
 * @throws PurserError `ledger_unavailable`; Error where the chain cannot be asked, or takes no transaction.
 */
export async function lookIntoClosing(deps: CloseDeps, claimed: Channel): Promise<Channel | undefined> {
  const { ledger, clock, memory, events } = deps
  let stepped: Stepped = { kind: 'on', channel: claimed }
  for (let step = 0; step < MAX_CLOSING_STEPS && stepped.kind === 'on'; step++) stepped = await stepOn(deps, stepped.channel)
  if (stepped.kind === 'closed') return stepped.channel
  const { wait_ms, reason } = stepped.kind === 'later' ? stepped : { wait_ms: CLOSING_LOOK_MS }
  if (reason !== undefined && memory.isNews(claimed.id, reason)) events.warned(`Channel ${claimed.id} cannot be closed yet: ${reason}`)
  await ledger.channels.putOff(claimed.id, clock.now() + wait_ms)
  return undefined
}

async function stepOn(deps: CloseDeps, channel: Channel): Promise<Stepped> {
  const { ledger, escrows } = deps
  const filled = await filledBy(ledger, channel)
  if (filled.open) return { kind: 'later', wait_ms: CLOSING_LOOK_MS }
  const news = await newsOf(deps, channel, filled.deposited)
  if (news === 'under way') return { kind: 'later', wait_ms: CLOSING_LOOK_MS }
  if (news) return told(deps, channel, news)
  if (!escrows.networks.includes(channel.network)) return retry(`no RPC is configured for ${channel.network}.`)
  const sighting = await escrows.state({ network: channel.network, channel: configOf(channel) })
  if (sighting.block < filled.block || (await isUnderWay(deps, channel, sighting))) return { kind: 'later', wait_ms: CLOSING_LOOK_MS }
  return act(deps, channel, { sighting, deposited: filled.deposited })
}

/** What the payments of the channel say that its account does not know yet. */
async function newsOf(
  { ledger }: CloseDeps,
  { pending, deposited }: Channel,
  taken: bigint,
): Promise<ChannelNews | 'under way' | undefined> {
  const payment = pending && (await ledger.payment(pending.paymentId))
  if (payment && ['reserved', 'signed', 'sent'].includes(payment.state)) return 'under way'
  const isOver = pending !== null && payment?.state !== 'unknown'
  const over = isOver ? { over: pending.paymentId } : {}
  const more = taken > deposited ? { deposited: taken } : {}
  return Object.keys({ ...over, ...more }).length > 0 ? { ...over, ...more } : undefined
}

/** A transaction that final blocks may not show yet. */
async function isUnderWay(
  { escrows, memory, clock }: CloseDeps,
  { transaction, network }: Channel,
  { block }: EscrowSighting,
): Promise<boolean> {
  if (transaction === null) return false
  const fate = await escrows.fate(network, transaction)
  if (fate.kind === 'succeeded') return fate.block > block
  return fate.kind === 'waiting' && memory.hasPatience(transaction, clock.monotonic())
}

interface Seen {
  readonly sighting: EscrowSighting
  /** Atomic units that the chain took into the channel. */
  readonly deposited: bigint
}

async function act(deps: CloseDeps, channel: Channel, seen: Seen): Promise<Stepped> {
  const { sighting } = seen
  const { withdrawDelay_s, refused } = channel
  const step = nextClosingStep({ account: channel, chain: sighting, time_s: sighting.time_s, withdrawDelay_s, refused })
  switch (step.kind) {
    case 'closed':
      return close(deps, channel, seen)
    case 'ask':
      // What it said to have given back is in a final block by now, or is not.
      return channel.transaction === null
        ? ask(deps, channel, sighting)
        : refusedBack(deps, channel, 'What it says it gave back is not on the chain.')
    case 'initiate':
      return withdraw(deps, channel, step.amount)
    case 'finalize':
      return withdraw(deps, channel, null)
    case 'wait':
      return { kind: 'later', wait_ms: Math.max((step.until_s - sighting.time_s) * 1000, CLOSING_LOOK_MS) }
  }
}

/** Anybody can fill the channel of anybody; what came of that is not counted, so that never more came back than went in. */
async function close(deps: CloseDeps, channel: Channel, { sighting, deposited }: Seen): Promise<Stepped> {
  const { ledger, events, memory } = deps
  const returned = deposited - least(sighting.balance, deposited)
  const end = { version: channel.version, returned, transaction: channel.transaction, block: sighting.block }
  const closed = await ledger.channels.close(channel.id, end)
  if (!closed) return { kind: 'later', wait_ms: CLOSING_LOOK_MS }
  memory.forget(channel.id)
  events.channelStepped(lineOf(closed, 'closed'))
  return { kind: 'closed', channel: closed }
}

async function ask(deps: CloseDeps, channel: Channel, sighting: EscrowSighting): Promise<Stepped> {
  const session = await deps.ledger.session(channel.sessionId)
  if (!session) return refusedBack(deps, channel, 'Its session is not known any more.')
  const asked = await askBack(deps, { session, channel, sighting })
  if (asked.kind === 'refused')
    return deps.memory.asked(channel.id) < MAX_ASKS_BACK ? retry(asked.reason) : refusedBack(deps, channel, asked.reason)
  const { transaction, charged, signed } = asked
  const learned = { ...(charged > channel.charged && { charged }), ...(signed > channel.signed && { signed }) }
  const stepped = await told(deps, channel, { transaction, ...learned })
  if (stepped.kind === 'on') deps.events.channelStepped(lineOf(stepped.channel, 'given_back'))
  return stepped
}

async function refusedBack(deps: CloseDeps, channel: Channel, reason: string): Promise<Stepped> {
  const stepped = await told(deps, channel, { refused: true })
  if (stepped.kind === 'on') deps.events.channelStepped({ ...lineOf(stepped.channel, 'refused'), reason })
  return stepped
}

/** The transaction is written down before it leaves: a restart looks for it before it sends another one. */
async function withdraw(deps: CloseDeps, channel: Channel, amount: bigint | null): Promise<Stepped> {
  const { ledger, escrows, wallet, memory, clock } = deps
  const { network, transaction } = channel
  const before = transaction === null ? undefined : await escrows.fate(network, transaction)
  if (transaction !== null && before?.kind === 'failed' && memory.hasPatience(transaction, clock.monotonic()))
    return retry(`transaction ${transaction} failed; another one is sent later.`)
  const chainId = chainIdOf(network)
  if (chainId === undefined) throw new Error(`${network} has no payment channels`)
  const name = (await ledger.session(channel.sessionId))?.wallet ?? null
  let noted: Channel | undefined
  await escrows.withdraw({
    network,
    withdrawal: { chainId, channel: configOf(channel), amount },
    sign: (priced) => wallet.signWithdrawal(name, priced),
    noted: async (hash) => {
      noted = await ledger.channels.tell(channel.id, channel.version, { transaction: hash })
      if (!noted) throw new Error(`channel ${channel.id} was changed meanwhile; nothing was sent`)
    },
  })
  deps.events.channelStepped(lineOf(noted ?? channel, amount === null ? 'withdrawal_ending' : 'withdrawal_begun'))
  return { kind: 'later', wait_ms: CLOSING_LOOK_MS }
}

async function told({ ledger }: CloseDeps, channel: Channel, news: ChannelNews): Promise<Stepped> {
  const told = await ledger.channels.tell(channel.id, channel.version, news)
  return told ? { kind: 'on', channel: told } : { kind: 'later', wait_ms: CLOSING_LOOK_MS }
}

function retry(reason: string): Stepped {
  return { kind: 'later', wait_ms: CLOSING_RETRY_MS, reason }
}

type Line = Parameters<Events['channelStepped']>[0]

function lineOf({ id, sessionId, network, deposited, charged, returned, transaction }: Channel, step: Line['step']): Line {
  return { channelId: id, sessionId, network, step, deposited, charged, returned, transaction }
}
