/**
 * The wallet's port. Typed operations only: there is no method that signs arbitrary bytes, so that a key can live in a
 * process of its own and a fault here can sign nothing but what is listed here.
 */

import type { ChannelDeposit, ChannelVoucher } from '../channel-digest.ts'
import type { Refusal } from '../errors.ts'
import type { PermitTransfer } from '../permit-digest.ts'
import type { SolanaTransfer } from '../solana-message.ts'
import type { SponsoredAllowance } from '../sponsored-allowance.ts'
import type { WithdrawalTransaction } from '../withdrawal.ts'

export type { ChannelConfig, ChannelDeposit, ChannelVoucher } from '../channel-digest.ts'
export type { PermitTransfer } from '../permit-digest.ts'
export type { SolanaTransfer } from '../solana-message.ts'
export type { SponsoredAllowance } from '../sponsored-allowance.ts'
export type { WithdrawalTransaction } from '../withdrawal.ts'

export type Hex = `0x${string}`

/** EIP-3009 `TransferWithAuthorization` together with the EIP-712 domain of the token. Times in seconds since 1970. */
export interface TransferAuthorization {
  readonly domain: { readonly name: string; readonly version: string; readonly chainId: number; readonly verifyingContract: Hex }
  readonly from: Hex
  readonly to: Hex
  /** Atomic units of the token. */
  readonly value: bigint
  readonly validAfter: bigint
  readonly validBefore: bigint
  /** 32 bytes. */
  readonly nonce: Hex
}

/** EIP-3009 `CancelAuthorization`: makes an unused nonce of this wallet worthless. */
export interface CancelAuthorization {
  readonly domain: TransferAuthorization['domain']
  readonly authorizer: Hex
  /** 32 bytes. */
  readonly nonce: Hex
}

/** A login by EIP-4361 ("Sign-In with Ethereum"): it proves an address to one site and moves no money. Times by RFC 3339. */
export interface Login {
  /** Host, with a port where it is not the scheme's own. */
  readonly domain: string
  readonly address: Hex
  readonly statement?: string
  readonly uri: string
  readonly chainId: number
  /** 8 or more letters and digits, the site's. */
  readonly nonce: string
  readonly issuedAt: string
  readonly expirationTime?: string
  readonly resources?: readonly string[]
}

/** What a signature that may take money is for. */
export interface SigningPurpose {
  readonly sessionId: string
  readonly paymentId: string
}

/** Its channels are there where all three operations of `ChannelWallet` are: ask `channelWalletOf`. */
export interface Wallet extends Partial<Omit<ChannelWallet, 'address'>> {
  /** Checksummed address that pays. `walletName` is the session's choice; null is the default wallet. */
  address(walletName: string | null): Promise<Hex>
  /** The 65-byte signature. Deterministic (RFC 6979): signing the same data again gives the same bytes. */
  signTransfer(walletName: string | null, data: TransferAuthorization): Promise<Hex>
  /** The 65-byte signature of a cancellation. It moves no money. */
  signCancel(walletName: string | null, data: CancelAuthorization): Promise<Hex>
  /** The 65-byte signature of a Permit2 transfer, deterministic as well. */
  signPermit(walletName: string | null, data: PermitTransfer): Promise<Hex>
  /** The 65-byte signature (EIP-191) of a login. */
  signLogin(walletName: string | null, data: Login): Promise<Hex>
  /** The 65-byte signature of an allowance that goes with one payment. Absent: this wallet gives none. */
  signAllowance?(walletName: string | null, data: SponsoredAllowance): Promise<Hex>
  /** The name that a new session pays by, where each has a key of its own; absent: all share the default wallet. */
  ofSession?: (sessionId: string) => string
  /** Sessions opened under another pay by that one's name: its address alone has the money. */
  childrenShare?: true
  /** Every address that this name ever paid from, the present one first; absent: that one only. `signCancel` takes all of them. */
  payers?: (walletName: string | null) => Promise<readonly Hex[]>
  /** Where one is configured for it. */
  readonly solana?: SolanaWallet
  /**
   * The wallet for one payment, whose reservation is durable by then: only that signs transfers and permits where the key
   * is in another process, which counts them by session. Absent where the key is here.
   */
  forPayment?(purpose: SigningPurpose): Wallet
  /** Where it can only hand out what was signed beforehand; `signTransfer` then takes nothing else. */
  readonly presigned?: Presigned
  /** Why it cannot sign now; empty where it can. Absent: it always can. */
  readiness?(): Promise<readonly string[]>
}

/** One transfer, to the unit and the second. */
export interface WantedTransfer extends Pick<TransferAuthorization, 'domain' | 'to' | 'value'> {
  /** Seconds since 1970: it has to be good from `now_s` to `until_s`. */
  readonly now_s: number
  readonly until_s: number
  /** How people write it, such as `0.01 USDC`, and the token alone. */
  readonly shown: string
  readonly symbol: string
}

/** When the transfer of a nonce can be taken, in seconds since 1970. */
export interface PresignedWindow {
  readonly nonce: Hex
  readonly validAfter_s: number
  readonly validBefore_s: number
}

/** Transfers that were signed beforehand, by a key that is not here. Each is for one payment, which the ledger sees to. */
export interface Presigned {
  /** Whether there ever was one of this amount to this recipient. */
  knows(wanted: WantedTransfer): boolean
  /** Why there is none for exactly this; undefined where there is one. */
  bar(wanted: WantedTransfer): Promise<Refusal | undefined>
  /** Sets one aside, so that nobody else in this process gets it, until one of the next two is called. */
  take(wanted: WantedTransfer): Promise<PresignedWindow | Refusal>
  /** A payment has it now. */
  spent(nonce: Hex): void
  /** No payment of ours has it. */
  giveBack(nonce: Hex): void
  /** Whether a payment has it, of whatever process, by the ledger's word now. @throws PurserError `ledger_unavailable` */
  isSpent(nonce: Hex): Promise<boolean>
  /** Undefined for a nonce that is none of theirs. */
  window(nonce: Hex): PresignedWindow | undefined
  /** How many of each file can still be used, now or later, as the ledger knows. @throws PurserError `ledger_unavailable` */
  left(): Promise<readonly { readonly pool: string; readonly left: number }[]>
}

/** The part that pays on Solana, with a key of its own. */
export interface SolanaWallet {
  address(walletName: string | null): Promise<string>
  /**
   * The 64-byte signature (Ed25519) of the owner over the transaction that it writes itself from these parts; it lacks
   * the fee payer's, and is deterministic.
   */
  signTransfer(walletName: string | null, transfer: SolanaTransfer): Promise<Uint8Array>
}

/** All that a rail may do with a wallet. */
export type TransferSigner = Pick<
  Wallet,
  'address' | 'signTransfer' | 'signPermit' | 'signAllowance' | 'signDeposit' | 'signVoucher' | 'solana'
>

/**
 * What payment channels need of a wallet. Both operations get the channel itself, never its hash, so that the key's side
 * sees whose channel it is and makes id and nonce by itself.
 */
export interface ChannelSigner {
  /** As `Wallet.address`. */
  address(walletName: string | null): Promise<Hex>
  /** The 65-byte signature of a deposit out of this wallet into a channel of its own. Deterministic. */
  signDeposit(walletName: string | null, data: ChannelDeposit): Promise<Hex>
  /** The 65-byte signature of a voucher of such a channel, deterministic as well: it never expires. */
  signVoucher(walletName: string | null, data: ChannelVoucher): Promise<Hex>
}

/** What also brings back what is left in them. */
export interface ChannelWallet extends ChannelSigner {
  /** The finished transaction, which makes one of the two calls of a withdrawal from a channel of this wallet and no other. */
  signWithdrawal(walletName: string | null, data: WithdrawalTransaction): Promise<Hex>
}

/** One whose key is here: it has all operations. */
export type KeyWallet = Wallet & ChannelWallet & Required<Pick<Wallet, 'signAllowance'>>

/** The wallet's part for payment channels; undefined where it has none. */
export function channelWalletOf(wallet: Wallet): ChannelWallet | undefined {
  const { signDeposit, signVoucher, signWithdrawal } = wallet
  if (!signDeposit || !signVoucher || !signWithdrawal) return undefined
  return { address: (walletName) => wallet.address(walletName), signDeposit, signVoucher, signWithdrawal }
}
