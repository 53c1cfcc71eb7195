/** Authorizations: a vetted charge becomes a transfer whose nonce is the challenge's, the wallet signs it, and the credential is proven. */
import { getAddress, keccak256, stringToBytes } from 'viem'
import { z } from 'zod'
import { refused } from '../../errors.ts'
import type { RawHeaders } from '../../http.ts'
import { MAX_PAYMENT_HEADER_BYTES } from '../../limits.ts'
import { isCanonical } from '../../secp256k1.ts'
import type { Hex, TransferAuthorization, TransferSigner } from '../../wallet/wallet.ts'
import type { Authorization, AuthorizeRequest, Offer } from '../rail.ts'
import { readStrictJson } from '../strict-json.ts'
import { checkRequest, type Own } from '../x402/authorization.ts'
import { differs } from '../x402/finished.ts'
import { EIP3009 } from '../x402/schemes/eip3009.ts'
import { isSigned } from '../x402/schemes/scheme.ts'
import { CREDENTIAL_HEADERS, DEFAULT_HEADER } from './offer.ts'

/** The parts of an offer's own text that decide on the nonce and the header. */
const echoed = z.object({ id: z.string(), realm: z.string(), header: z.string().optional() })
const hex = z.templateLiteral(['0x', z.string().regex(/^[0-9a-fA-F]+$/)])
const credential = z.strictObject({
  challenge: z.unknown(),
  payload: z.strictObject({
    type: z.literal('authorization'),
    signature: hex,
    ...{ from: hex, to: hex, nonce: hex, value: z.string(), validAfter: z.string(), validBefore: z.string() },
  }),
  source: z.string(),
})

/** keccak256 of the challenge's id and realm: one challenge can be paid once, by whatever is signed for it. */
export function nonceOf({ raw }: Pick<Offer, 'raw'>): Hex {
  const { id, realm } = echoed.parse(JSON.parse(raw))
  return keccak256(stringToBytes(`${id}${realm}`))
}

/**
 * Signs exactly the request's offer for its window, with the challenge's nonce.
 * @throws PurserError `internal_error` where the offer, the nonce, the window, the wallet or the finished credential is not
 * what was decided, and `challenge_invalid` where the payment would go to the wallet itself.
 */
export async function authorize(request: AuthorizeRequest, wallet: TransferSigner, own: Own): Promise<Authorization> {
  const { offer, nonce, validAfter_s, validBefore_s, walletName } = request
  checkRequest(request, own)
  if (nonce !== nonceOf(offer)) throw refused('internal_error', 'The nonce is not the challenge’s. Nothing was signed.')
  if (validBefore_s > (offer.expires_s ?? 0))
    throw refused('internal_error', 'The window is longer than the challenge’s. Nothing was signed.')
  const payer = getAddress(await wallet.address(walletName))
  if (payer === offer.payTo) throw refused('challenge_invalid', `The challenge asks to pay ${payer}, which is the paying wallet itself.`)
  const signature = await wallet.signTransfer(walletName, EIP3009.build(request, payer))
  const transfer = EIP3009.build(request, payer)
  const headers = headersOf(offer, transfer, signature)
  await prove(headers, offer, transfer)
  return { headers, payer, payTo: offer.payTo, nonce, validAfter_s, validBefore_s, signature, transfer }
}

function headersOf(offer: Offer, transfer: TransferAuthorization, signature: Hex): RawHeaders {
  const { from, to, value, validAfter, validBefore, nonce } = transfer
  const times = { validAfter: `${validAfter}`, validBefore: `${validBefore}` }
  const payload = JSON.stringify({ type: 'authorization', from, to, value: `${value}`, ...times, nonce, signature })
  const text = `{"challenge":${offer.raw},"payload":${payload},"source":${JSON.stringify(sourceOf(transfer))}}`
  return [headerOf(offer), `Payment ${Buffer.from(text, 'utf8').toString('base64url')}`]
}

function headerOf({ raw }: Offer): string {
  const { header = DEFAULT_HEADER } = echoed.parse(JSON.parse(raw))
  const name = CREDENTIAL_HEADERS.get(header.toLowerCase())
  if (name === undefined) throw refused('internal_error', 'The offer names a header that carries no credentials. Nothing was signed.')
  return name
}

/** Who pays, as a decentralised identifier (did:pkh). */
function sourceOf({ domain, from }: TransferAuthorization): string {
  return `did:pkh:eip155:${domain.chainId}:${from}`
}

/** The finished header is read again: whatever the wallet, or the code before it, did wrong stops here. */
async function prove(headers: RawHeaders, offer: Offer, transfer: TransferAuthorization): Promise<void> {
  const [name, value = '', ...rest] = headers
  const [, encoded = ''] = /^Payment ([A-Za-z0-9_-]+)$/.exec(value) ?? []
  if (name !== headerOf(offer) || rest.length > 0 || value.length > MAX_PAYMENT_HEADER_BYTES) throw differs('header')
  const json = readStrictJson(Buffer.from(encoded, 'base64url').toString('utf8'))
  const parsed = json.kind === 'read' ? credential.safeParse(json.value).data : undefined
  if (json.kind !== 'read' || !parsed) throw differs('shape')
  if (json.sourceOf(parsed.challenge) !== offer.raw) throw differs('accepted challenge')
  if (parsed.source !== sourceOf(transfer)) throw differs('source')
  const { type: _, signature, ...authorization } = parsed.payload
  const part = EIP3009.difference({ signature, authorization }, transfer)
  if (part !== undefined) throw differs(part)
  if (!isCanonical(signature)) throw differs('form of the signature')
  if (!(await isSigned(signature, () => EIP3009.digest(transfer), transfer.from))) throw differs('signer')
}
