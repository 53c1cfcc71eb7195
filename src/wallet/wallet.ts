/**
 * The wallet's port. Typed operations only: there is no method that signs arbitrary bytes, so that a key can live in a
 * process of its own and a fault here can sign nothing but a transfer.
 */

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

export interface Wallet {
  /** Checksummed address that pays. `walletName` is the session's choice; null is the default wallet. */
  address(walletName: string | null): Promise<Hex>
  /** The 65-byte signature. Deterministic (RFC 6979): signing the same data again gives the same bytes. */
  signTransfer(walletName: string | null, data: TransferAuthorization): Promise<Hex>
  /** The 65-byte signature of a cancellation. It moves no money. */
  signCancel(walletName: string | null, data: CancelAuthorization): Promise<Hex>
}

/** All that a rail may do with a wallet. */
export type TransferSigner = Pick<Wallet, 'address' | 'signTransfer'>
