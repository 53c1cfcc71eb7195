/** Authorizations through a channel: what was decided of it becomes a message, is signed, and is proven as any other. */
import { depositNonceOf } from '../../../channel-digest.ts'
import { refused } from '../../../errors.ts'
import type { ChannelSigner, Hex, TransferSigner } from '../../../wallet/wallet.ts'
import type { Authorization, AuthorizeRequest } from '../../rail.ts'
import { chainIdOf } from '../assets.ts'
import { type ChannelOffer, channelOf } from './offer.ts'
import type { ChannelMessage } from './payload.ts'
import { payThroughChannel } from './payment.ts'

interface ChannelRequest extends AuthorizeRequest {
  readonly offer: ChannelOffer
}

/**
 * A voucher, with a deposit where the request has one, in the header that carries it.
 * @throws PurserError `internal_error` where what would be signed is not what was decided, `scheme_not_supported` where the
 * wallet signs for no channels.
 */
export async function authorizeThroughChannel(request: ChannelRequest, wallet: TransferSigner): Promise<Authorization> {
  const { offer, nonce, validAfter_s, validBefore_s, walletName } = request
  if (!signsForChannels(wallet)) throw refused('scheme_not_supported', 'The wallet does not sign for payment channels. Nothing was signed.')
  const message = messageOf(request, await wallet.address(walletName))
  const { headers, payer, signatures } = await payThroughChannel({ offer, message, walletName }, wallet)
  const value = message.deposit?.amount ?? offer.amount
  const signature = signatures.deposit ?? signatures.voucher
  return { headers, payer, payTo: offer.payTo, nonce, validAfter_s, validBefore_s, signature, transfer: { to: offer.payTo, value, nonce } }
}

function messageOf({ offer, channel: use, nonce, validAfter_s, validBefore_s }: ChannelRequest, payer: Hex): ChannelMessage {
  const chainId = chainIdOf(offer.network)
  if (!use || chainId === undefined) throw refused('internal_error', 'Nothing was decided of the channel. Nothing was signed.')
  const { salt, cumulative, deposit } = use
  const channel = channelOf({ offer, payer, salt })
  if (!deposit) return { kind: 'voucher', channel, chainId, cumulative }
  if (depositNonceOf({ channel, chainId, salt: deposit.salt }) !== nonce)
    throw refused('internal_error', 'The deposit’s nonce is not the one that was reserved. Nothing was signed.')
  return { kind: 'deposit', channel, chainId, cumulative, deposit: { ...deposit, validAfter_s, validBefore_s } }
}

function signsForChannels(wallet: TransferSigner): wallet is TransferSigner & ChannelSigner {
  return wallet.signDeposit !== undefined && wallet.signVoucher !== undefined
}
