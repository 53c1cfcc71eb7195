/** What the signer does with a request, whoever brings it: it vets, counts, makes the digest itself, and signs. */
import { digestPermit } from '../permit-digest.ts'
import { ecdsa } from '../secp256k1.ts'
import { MAX_SIGNER_WINDOW_S } from '../signer-limits.ts'
import { digestCancel, digestTransfer } from '../transfer-digest.ts'
import { digestLogin } from './login.ts'
import type { Charge, SignerBook } from './signer-book.ts'
import type { SignerAnswer, SignerRequest } from './signer-frames.ts'
import type { SignerJournal } from './signer-journal.ts'
import type { Hex } from './wallet.ts'

/** A token that may be paid with. */
export interface SignerAsset {
  readonly chainId: number
  /** Lower case. */
  readonly token: string
  readonly decimals: number
}

export interface SignerDeskOptions {
  /** 32 bytes. Its owner overwrites it at the end. */
  readonly key: Uint8Array
  readonly assets: readonly SignerAsset[]
  /** Lower-case addresses; absent: any recipient. */
  readonly recipients?: ReadonlySet<string>
  readonly book: SignerBook
  readonly journal: SignerJournal
  /** Milliseconds since 1970. */
  readonly now: () => number
}

export type Signing = Exclude<SignerRequest, { op: 'hello' | 'prove' }>
type Paying = Extract<SignerRequest, { op: 'transfer' | 'permit' }>
type Answer = SignerAnswer extends infer A ? (A extends { id: number } ? Omit<A, 'id'> : never) : never

export interface SignerDesk {
  readonly address: Hex
  readonly head: SignerBook['head']
  /** A refusal where it is not signed; never rejects. */
  answer(request: Signing): Promise<Answer>
}

export function createSignerDesk(options: SignerDeskOptions): SignerDesk {
  const { key, book } = options
  const address = ecdsa.addressOf(key)
  return {
    address,
    get head() {
      return book.head
    },
    async answer(request) {
      try {
        // The digest comes first: what is not signable is not counted.
        const digest = digestOf(request, address)
        if (request.op === 'transfer' || request.op === 'permit') {
          const refusal = await count(request, options)
          if (refusal) return refusal
        }
        return { kind: 'signed', signature: await ecdsa.signDigest(digest, key) }
      } catch {
        return refused(
          'internal_error',
          'The signer cannot sign this: it is malformed, is not of its wallet, or its journal cannot be written.',
        )
      }
    },
  }
}

/** Its own address takes the payer's place: a request that names another gives a signature of nothing that it asked for. */
function digestOf(request: Signing, address: Hex): Uint8Array {
  const claimed = { transfer: 'from', permit: 'from', cancel: 'authorizer', login: 'address' } as const
  const payer: unknown = Reflect.get(request.data, claimed[request.op])
  if (typeof payer !== 'string' || payer.toLowerCase() !== address.toLowerCase()) throw new Error('not of this wallet')
  switch (request.op) {
    case 'transfer':
      return digestTransfer({ ...request.data, from: address })
    case 'permit':
      return digestPermit({ ...request.data, from: address })
    case 'cancel':
      return digestCancel({ ...request.data, authorizer: address })
    case 'login':
      return digestLogin({ ...request.data, address })
  }
}

async function count(request: Paying, { assets, recipients, book, journal, now }: SignerDeskOptions): Promise<Answer | undefined> {
  const { chainId, token, to, amount, until_s } = termsOf(request)
  const asset = assets.find((known) => known.chainId === chainId && known.token === token.toLowerCase())
  if (!asset)
    return refused('spending_limit_exceeded', `The signer does not pay with ${token} on chain ${chainId}: start it with --asset for that.`)
  if (recipients && !recipients.has(to.toLowerCase()))
    return refused('spending_limit_exceeded', `${to} is not among the signer's recipients.`)
  if (until_s > BigInt(Math.floor(now() / 1000) + MAX_SIGNER_WINDOW_S))
    return refused('spending_limit_exceeded', `The signer signs for ${MAX_SIGNER_WINDOW_S} seconds at most.`)
  const { nonce } = request.data
  const place = `${request.op}:${chainId}:${request.op === 'transfer' ? token.toLowerCase() : 'permit2'}:${nonce.toLowerCase()}`
  const charge: Charge = { ...request.purpose, place, nonce, amount: millionths(amount, asset.decimals), until_s: Number(until_s) }
  const admitted = book.admit(charge, now())
  if (admitted.kind === 'refused') return refused('spending_limit_exceeded', admitted.detail)
  await journal.append(admitted)
  return undefined
}

function termsOf({ op, data }: Paying): { chainId: number; token: Hex; to: Hex; amount: bigint; until_s: bigint } {
  if (op === 'permit') return { chainId: data.chainId, token: data.token, to: data.witness.to, amount: data.amount, until_s: data.deadline }
  const { domain, to, value, validBefore } = data
  return { chainId: domain.chainId, token: domain.verifyingContract, to, amount: value, until_s: validBefore }
}

function millionths(amount: bigint, decimals: number): bigint {
  const unit = 10n ** BigInt(decimals)
  return (amount * 1_000_000n + unit - 1n) / unit
}

function refused(code: Extract<Answer, { kind: 'refused' }>['code'], detail: string): Answer {
  return { kind: 'refused', code, detail: `${detail} Nothing was signed, and no money moved.` }
}
