/** Scheme `exact` by EIP-3009: the token itself takes the transfer that was signed, once, from whoever hands it in. */
import { z } from 'zod'
import { refused } from '../../../errors.ts'
import { digestTransfer } from '../../../transfer-digest.ts'
import type { Hex, TransferAuthorization } from '../../../wallet/wallet.ts'
import type { AuthorizeRequest } from '../../rail.ts'
import { chainIdOf } from '../assets.ts'
import { defineScheme, type SchemeParts } from './scheme.ts'

export const hex = z.templateLiteral(['0x', z.string().regex(/^[0-9a-fA-F]*$/)])
const schema = z.strictObject({
  signature: hex,
  authorization: z.strictObject({
    from: hex,
    to: hex,
    value: z.string(),
    validAfter: z.string(),
    validBefore: z.string(),
    nonce: hex,
  }),
})
type Payload = z.infer<typeof schema>

/** A payload with the end of its header, in the one spelling that is taken without the codec. */
const TAIL =
  /^\{"signature":"(0x[0-9a-f]{130})","authorization":\{"from":"(0x[0-9a-fA-F]{40})","to":"(0x[0-9a-fA-F]{40})","value":"([0-9]{1,78})","validAfter":"([0-9]{1,16})","validBefore":"([0-9]{1,16})","nonce":"(0x[0-9a-f]{64})"\}\}\}$/

export const EIP3009: SchemeParts<TransferAuthorization, Payload> = {
  build: transferOf,
  sign: (wallet, walletName, transfer) => wallet.signTransfer(walletName, transfer),
  write: ({ from, to, value, validAfter, validBefore, nonce }, signature) => {
    return { signature, authorization: { from, to, value: `${value}`, validAfter: `${validAfter}`, validBefore: `${validBefore}`, nonce } }
  },
  schema,
  readTail,
  difference: ({ authorization }, transfer) =>
    (['from', 'to', 'nonce', 'value', 'validAfter', 'validBefore'] as const).find((part) => authorization[part] !== String(transfer[part])),
  digest: digestTransfer,
  move: (transfer) => transfer,
}

export const exactByEip3009 = defineScheme(EIP3009)

function transferOf({ offer, nonce, validAfter_s, validBefore_s }: AuthorizeRequest, payer: Hex): TransferAuthorization {
  const { asset, network, payTo, amount } = offer
  return {
    domain: { ...asset.eip712, chainId: evmChainOf(network), verifyingContract: asset.address },
    from: payer,
    to: payTo,
    value: amount,
    validAfter: BigInt(validAfter_s),
    validBefore: BigInt(validBefore_s),
    nonce,
  }
}

/** @throws PurserError `internal_error`: an offer of another network is none of these schemes'. */
export function evmChainOf(network: string): number {
  const chainId = chainIdOf(network)
  if (chainId === undefined) throw refused('internal_error', `${network} is not an EVM network. Nothing was signed.`)
  return chainId
}

function readTail(text: string): Payload | undefined {
  const [whole, signature, from, to, value, validAfter, validBefore, nonce] = TAIL.exec(text) ?? []
  if (whole === undefined || !isHex(signature) || !isHex(from) || !isHex(to) || !isHex(nonce)) return undefined
  return { signature, authorization: { from, to, value: value ?? '', validAfter: validAfter ?? '', validBefore: validBefore ?? '', nonce } }
}

export function isHex(text: string | undefined): text is Hex {
  return text?.startsWith('0x') === true
}
