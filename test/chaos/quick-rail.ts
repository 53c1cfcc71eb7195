/**
 * The rail and the wallet of most histories. A challenge is read by the real rail once and remembered, because reading is
 * a function of the answer alone; an authorization carries the same fields in the same place, and a signature that no
 * curve has made. What is checked here is who may take which money when, and that stands in the fields. Some histories
 * keep the real parts (see house.ts), so that nothing rests on these.
 */
import { createHash } from 'node:crypto'
import type { Authorization, AuthorizeRequest, Detected, Rail } from '../../src/rails/rail.ts'
import { chainIdOf } from '../../src/rails/x402/assets.ts'
import { PAYMENT_HEADER } from '../../src/rails/x402/finished.ts'
import type { Hex, TransferAuthorization, TransferSigner, Wallet } from '../../src/wallet/wallet.ts'

/** Merchants have some thousand challenges in all; beyond that one may have lost its way. */
const MAX_REMEMBERED = 50_000

export function quickRail(real: Rail): Rail {
  const read = new Map<string, Detected | undefined>()
  const detect: Rail['detect'] = (head, body) => {
    const name = `${head.status} ${head.headers.join('\n')}\n${body === undefined ? '' : Buffer.from(body).toString('latin1')}`
    if (read.has(name)) return read.get(name)
    const detected = real.detect(head, body)
    if (read.size < MAX_REMEMBERED) read.set(name, detected)
    return detected
  }
  return { ...real, detect, authorize }
}

async function authorize(request: AuthorizeRequest, wallet: TransferSigner): Promise<Authorization> {
  const { offer, nonce, validAfter_s, validBefore_s, walletName } = request
  const payer = await wallet.address(walletName)
  const transfer = transferOf(request, payer)
  const signature = await wallet.signTransfer(walletName, transfer)
  return {
    ...{ headers: headersOf(request, transfer, signature), payer, payTo: offer.payTo, nonce },
    ...{ validAfter_s, validBefore_s, signature, transfer },
  }
}

function transferOf({ offer, nonce, validAfter_s, validBefore_s }: AuthorizeRequest, from: Hex): TransferAuthorization {
  const { asset, network, payTo, amount } = offer
  return {
    domain: { ...asset.eip712, chainId: chainIdOf(network) ?? 0, verifyingContract: asset.address },
    ...{ from, to: payTo, value: amount, validAfter: BigInt(validAfter_s), validBefore: BigInt(validBefore_s), nonce },
  }
}

function headersOf({ offer }: AuthorizeRequest, transfer: TransferAuthorization, signature: Hex): readonly string[] {
  const { from, to, value, validAfter, validBefore, nonce } = transfer
  const authorization = { from, to, value: `${value}`, validAfter: `${validAfter}`, validBefore: `${validBefore}`, nonce }
  const payload = JSON.stringify({ signature, authorization })
  const version = offer.protocolVersion === 1 ? 1 : 2
  const text = `{"x402Version":${version},"accepted":${offer.raw},"payload":${payload}}`
  return [PAYMENT_HEADER[version], Buffer.from(text).toString('base64')]
}

/** Signs by a hash instead of a curve: the same bytes for the same transfer, others for any other. */
export function quickWallet(address: Hex): Wallet {
  const sign = async (_: string | null, { nonce, to, value, validAfter, validBefore }: TransferAuthorization): Promise<Hex> => {
    const digest = createHash('sha256').update(`${nonce} ${to} ${value} ${validAfter} ${validBefore}`).digest('hex')
    return `${nonce}${digest}1b`
  }
  return {
    address: async () => address,
    signTransfer: sign,
    signCancel: () => Promise.reject(new Error('nothing is cancelled by signature here')),
    signPermit: () => Promise.reject(new Error('nothing is permitted here')),
    signLogin: () => Promise.reject(new Error('nobody signs in here')),
  }
}
