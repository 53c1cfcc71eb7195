/**
 * Vouching: the channel that a purchase is paid through, by name, and the voucher's sum written down before it is signed.
 * All names follow from the purchase's id and a secret of this installation, so that a crash can only repeat them.
 */
import { createHmac } from 'node:crypto'
import { getAddress } from 'viem'
import { type ChannelConfig, channelIdOf, depositNonceOf } from '../../channel-digest.ts'
import { PurserError } from '../../errors.ts'
import type { NewChannel } from '../../ledger/channels.ts'
import type { Reservation } from '../../ledger/ledger.ts'
import type { ChannelUse } from '../../rails/rail.ts'
import { chainIdOf } from '../../rails/x402/assets.ts'
import { channelOf } from '../../rails/x402/channels/offer.ts'
import type { Hex } from '../../wallet/wallet.ts'
import type { Case } from '../case.ts'
import { nonceOf } from '../purchase.ts'
import { ELSEWHERE, keyOf, type Through } from './plan.ts'

interface Opened {
  readonly channel: ChannelConfig
  readonly chainId: number
}

/** The channel of this plan; one that is still to be opened is named after the purchase that opens it. */
export function openedBy(secret: Uint8Array, { offer, channel: row }: Through, { payer, purchaseId }: Naming): Opened {
  const chainId = chainIdOf(offer.network)
  if (chainId === undefined) throw new Error(`${offer.network} has no payment channels`)
  const salt = row ? hex(row.salt) : saltOf(secret, purchaseId)
  const from = row ? getAddress(row.payer) : getAddress(payer)
  return { channel: channelOf({ offer, payer: from, salt }), chainId }
}

interface Naming {
  readonly payer: string
  readonly purchaseId: string
}

/** The nonce under which the token takes the deposit of this purchase; undefined where it deposits nothing. */
export function nonceThrough(secret: Uint8Array, through: Through | undefined, naming: Naming): Hex | undefined {
  if (through?.deposit === undefined) return undefined
  return depositNonceOf({ ...openedBy(secret, through, naming), salt: nonceOf(secret, naming.purchaseId) })
}

/**
 * Opens the channel where it is not yet, and writes the voucher down, durable when this resolves.
 * @throws PurserError `purchase_in_progress` where another process was faster: nothing is to be signed then.
 */
export async function vouch(matter: Case, { purchaseId, paymentId }: Reservation): Promise<ChannelUse | undefined> {
  const { through, terms, deps } = matter
  if (!through || !terms) return undefined
  const { cumulative, deposit } = through
  const opened = openedBy(deps.nonceSecret, through, { payer: terms.payer, purchaseId })
  const { channels } = deps.ledger
  const row = through.channel ?? (await channels.open(newChannel(matter, opened, through)))
  const vouching = { version: row.version, paymentId, cumulative, ...(deposit !== undefined && { deposit }) }
  if (!(await channels.vouch(row.id, vouching))) throw new PurserError(ELSEWHERE)
  const { salt } = opened.channel
  return { salt, cumulative, ...(deposit !== undefined && { deposit: { amount: deposit, salt: nonceOf(deps.nonceSecret, purchaseId) } }) }
}

function newChannel({ request }: Case, { channel, chainId }: Opened, { offer }: Through): NewChannel {
  const { payer, salt } = channel
  return {
    ...keyOf(request.session, offer),
    ...{ id: channelIdOf(channel, chainId), payer, salt, url: request.url, offer: offer.raw },
    ...{ decimals: offer.asset.decimals, currency: offer.asset.currency },
  }
}

/** HMAC-SHA256 of the purchase's id, apart from its nonces. */
function saltOf(secret: Uint8Array, purchaseId: string): Hex {
  return `0x${createHmac('sha256', secret).update(`purser channel ${purchaseId}`).digest('hex')}`
}

function hex(text: string): Hex {
  return text as Hex
}
