/**
 * Rails: the payment protocols behind a 402. A rail reads a challenge, turns an offer into an authorization, and reads
 * what the server says about the settlement. It is pure: no ledger, no policy, no network, no clock.
 *
 * challenge: a 402 answer, parsed. offer: one way to pay that it accepts, rebuilt from vetted values.
 * authorization: what the wallet signed, a bearer instrument until its window closes. settlement: evidence that money moved.
 */
import type { Code } from '../errors.ts'
import type { Head, RawHeaders } from '../http.ts'
import type { Asset } from '../money.ts'
import type { Hex, TransferSigner } from '../wallet/wallet.ts'

/** One way to pay, vetted: every value is ours or was checked; nothing mutable of the server's is left in it. */
export interface Offer {
  readonly rail: string
  readonly protocolVersion: number
  readonly scheme: string
  /** How the token is moved, where it is not the token's own way (EIP-3009). */
  readonly method?: 'permit2' | 'deposit' | 'voucher'
  /** Checksummed: the only one who may settle it, where the scheme names one. */
  readonly facilitator?: Hex
  /** CAIP-2. */
  readonly network: string
  readonly asset: Asset
  /** Atomic units, 0 < amount < 2^256. Of scheme `upto` the most that may be taken. */
  readonly amount: bigint
  /** Checksummed; on Solana the wallet that is paid. */
  readonly payTo: string
  /** How long the server asks the authorization to live, in seconds. Ours is shorter. */
  readonly askedWindow_s: number
  /** Seconds since 1970 after which the challenge is worth nothing: no authorization for it lives longer. Absent: it has no such end. */
  readonly expires_s?: number
  /** SHA-256 (hex) of the body that alone is paid for. Absent: any. */
  readonly bodyDigest?: string
  /** `upfront`: the server settles before it serves, so a failing handler still costs. */
  readonly flow: 'authorization' | 'upfront'
  /** On Solana: who pays the fee and sends it, and the memo that the seller wants, if any. */
  readonly svm?: { readonly feePayer: string; readonly memo?: string }
  /** Where it is paid through a channel: what the escrow will hold us to. */
  readonly channel?: ChannelTerms
  /** Place in the challenge's list. */
  readonly index: number
  /** The server's own object as JSON text, to be echoed to the letter. */
  readonly raw: string
}

export interface ChannelTerms {
  /** Checksummed: signs claims and refunds for the recipient. */
  readonly receiverAuthorizer: Hex
  readonly withdrawDelay_s: number
  /** What the server would like to be deposited, atomic units. Shown, and never decided on. */
  readonly minDeposit: bigint | undefined
}

/** Why an entry of the challenge's list cannot be paid. The reason names values, never the server's free text. */
export interface RejectedOffer {
  readonly index: number
  readonly code: Extract<Code, 'asset_unknown' | 'network_not_allowed' | 'scheme_not_supported' | 'challenge_invalid'>
  readonly reason: string
}

export interface Challenge {
  readonly rail: string
  readonly protocolVersion: number
  readonly offers: readonly Offer[]
  readonly rejected: readonly RejectedOffer[]
  /** SHA-256 (hex) of the challenge as it was evaluated; ties a receipt to this 402. */
  readonly digest: string
  /** The server's own resource and extensions, as JSON text, to be echoed. Untrusted: never shown as ours, never decided on. */
  readonly echo: string
  /** What it says beyond its terms, where it says anything. */
  readonly said?: Said
}

/** Evidence, and what a server offers besides payment. Apart from a signed offer that contradicts its entry, nothing of it decides. */
export interface Said {
  /** By its word the facilitator pays for an allowance to Permit2 that comes with the payment. */
  readonly sponsoring: boolean
  /** It takes an id of the purchase, so that a repeated payment finds its first answer. */
  readonly identifiable: boolean
  readonly signedOffers: readonly SignedOffer[]
  /** It lets those in who paid before, by a login. */
  readonly login: LoginRequest | undefined
  /** What the resource is, in a word or two: `http GET`. */
  readonly described: string | undefined
}

/** Something that a server signed. `unchecked`: its signer's key would have to be fetched. `broken`: the signature is not the signer's. */
export interface Signed {
  readonly verdict: 'verified' | 'unchecked' | 'broken'
  /** Address (checksummed) or DID; only a name where the verdict is not `verified`. */
  readonly signer: string | undefined
  /** All of it as JSON, written anew from checked parts; bounded. */
  readonly text: string
}

/** The terms of one entry, signed. */
export interface SignedOffer extends Signed {
  /** Place of the entry that it is about. */
  readonly index: number
  /** Seconds since 1970; undefined where it says nothing of an end. */
  readonly validUntil_s: number | undefined
}

/** What a server signed about a payment that it took. */
export interface SignedReceipt extends Signed {
  readonly network: string
  readonly resourceUrl: string
  readonly payer: string
  /** Absent where the server names none. */
  readonly transaction?: string
}

/** A login (EIP-4361) as a server asks for it, not compared with anything yet. Times as it wrote them. */
export interface LoginRequest {
  readonly domain: string
  readonly uri: string
  readonly nonce: string
  readonly issuedAt: string
  readonly expirationTime: string | undefined
  readonly resources: readonly string[]
  /** CAIP-2 names of the EVM chains whose accounts may log in. */
  readonly networks: readonly string[]
}

/** Nothing here claims this 402 (undefined), it claims it and is broken (invalid), or it is a challenge. */
export type Detected = { readonly kind: 'challenge'; readonly challenge: Challenge } | { readonly kind: 'invalid'; readonly reason: string }

/** What is to be signed: the offer that was decided, our window, and the nonce that the ledger keeps. */
export interface AuthorizeRequest {
  readonly challenge: Challenge
  readonly offer: Offer
  readonly nonce: Hex
  /** Sent, where the server takes one, as the id of what is bought; the same for every presentation. Absent: none is sent. */
  readonly identifier?: string
  /** Seconds since 1970. */
  readonly validAfter_s: number
  readonly validBefore_s: number
  readonly walletName: string | null
  /** Where the network is one whose transactions live by its blocks (Solana). */
  readonly anchor?: Anchor
  /** Where the offer is paid through a channel. */
  readonly channel?: ChannelUse
  /** Where an allowance to Permit2 goes with it: the token's nonce of such permits of the payer. */
  readonly allowanceNonce?: bigint
}

/** What of a channel one request is paid with. Atomic units; salts are 32 bytes. */
export interface ChannelUse {
  /** The channel's. */
  readonly salt: Hex
  /** What its voucher lets the receiver claim in all. */
  readonly cumulative: bigint
  /** What is deposited with it; the request's nonce is then the one that follows from this salt. */
  readonly deposit?: { readonly amount: bigint; readonly salt: Hex }
}

/** The recent block that a transaction of Solana is bound to. */
export interface Anchor {
  readonly blockhash: string
  /** The last height of a block that may take it. */
  readonly lastValidBlockHeight: bigint
  /** No block before this slot can have it. */
  readonly slot: bigint
}

/** What the wallet signed. `headers` are secret until the payment is settled or dead. */
export interface Authorization {
  /** Request headers that carry the payment: [name, value, …]. */
  readonly headers: RawHeaders
  readonly payer: string
  readonly payTo: string
  readonly nonce: Hex
  /** Seconds since 1970. */
  readonly validAfter_s: number
  readonly validBefore_s: number
  /** Kept by the ledger. Of Solana it is what the chain is asked by: src/solana-proof.ts. */
  readonly signature: Hex
  readonly transfer: SignedMove
}

/** What the signature allows, whatever its form: at most this amount (atomic units), to this address, once. */
export interface SignedMove {
  readonly to: string
  readonly value: bigint
  readonly nonce: Hex
}

/** What a server says about a settlement. A claim: only the chain confirms it. */
export interface Settlement {
  /** `unproven`: it says that it failed or nothing that can be read, which never proves that no money moved. */
  readonly kind: 'claimed' | 'unproven'
  /** Transaction hash as claimed, if it is well formed. */
  readonly transaction: string | undefined
  readonly network: string | undefined
  /** Atomic units that it says were taken, where it says so. */
  readonly charged?: bigint
  /** From our own vocabulary, not the server's text. */
  readonly reason: string
  /** What it signed about it. */
  readonly receipt?: SignedReceipt
}

/** A challenge without what names the one request that it answered. */
export interface Recurring {
  readonly challenge: Challenge
  /** Two challenges ask for the same, and one may be paid in the place of the other, where their texts are equal. */
  readonly text: string
}

export interface Rail {
  readonly name: string
  /**
   * Lower-case request headers of this protocol, which agents may not send and which never cross to another origin. With a
   * second word (`authorization payment`) only values of that scheme.
   */
  readonly paymentHeaders: readonly string[]
  /**
   * True if this head alone may be a challenge of this rail, or its body has to be read to know.
   * `body` are the decoded bytes (already inflated and bounded); undefined if it was larger than the bound.
   * `asked` are the headers of the request, where they are known: what would take the place of one of them is rejected.
   * @returns undefined where the 402 is not of this protocol: it then passes byte for byte.
   */
  detect(head: Head, body: Uint8Array | undefined, asked?: RawHeaders): Detected | undefined
  /** What of a challenge holds for every request of its route. */
  recurring(challenge: Challenge): Recurring
  /** The nonce that the challenge itself sets for this offer, so that it can be paid once. Absent: the nonce is ours to choose. */
  nonceOf?(offer: Offer): Hex
  /** Signs exactly `request.offer` and proves it: the finished bytes are decoded again and compared with the request. */
  authorize(request: AuthorizeRequest, wallet: TransferSigner): Promise<Authorization>
  /** Reads the server's statement about the settlement, if it makes one. */
  settlement(head: Head, offer: { readonly network: string; readonly protocolVersion: number }): Settlement | undefined
  /** Whether the server refused a payment because the wallet has not allowed Permit2 to take the token. Its word alone. */
  lacksAllowance?(head: Head): boolean
  /** Headers that ask a browser-minded server for its machine-readable challenge, or undefined where that is pointless. */
  askAgain(head: Head, requestHeaders: RawHeaders): RawHeaders | undefined
}
