/** The treasury: the two moves that it can make, as operations that are signed and handed in. Its keys stay in closures. */
import { createHmac } from 'node:crypto'
import { type Funding, fundingId } from '../ledger/fundings.ts'
import type { Asset } from '../money.ts'
import type { Hex, TransferAuthorization, Wallet } from '../wallet/wallet.ts'

/** Hands a signed move to the network, and pays its gas. The transaction's hash. @throws Error where it is not taken */
export type Deliver = (move: Signed) => Promise<string>

export interface Signed {
  readonly network: string
  readonly token: string
  readonly from: string
  readonly to: string
  readonly value: bigint
  readonly validAfter: bigint
  readonly validBefore: bigint
  readonly nonce: string
  readonly signature: string
}

export interface Treasury {
  readonly address: Hex
  /** What it moves, on the one network that it has. */
  readonly asset: Asset
  /** Of a session's own address. */
  addressOf(sessionId: string): Promise<Hex>
  /** Of a move, for ever: 32 bytes that only whoever has the secret can foresee. */
  nonceOf(funding: Pick<Funding, 'sessionId' | 'number'>): Hex
  /**
   * Signs and hands in: out of the treasury to the session's own address, or from there to the treasury. Signing is
   * deterministic, so that a second time it is the same move. The transaction's hash.
   * @throws Error where the move is neither, or the network does not take it
   */
  send(funding: Funding & { readonly validBefore_s: number }): Promise<string>
}

export interface TreasuryOptions {
  readonly asset: Asset
  /** The treasury's own key. */
  readonly purse: Pick<Wallet, 'address' | 'signTransfer'>
  /** Those of sessions, by their ids. */
  readonly wallet: Pick<Wallet, 'address' | 'signTransfer'>
  readonly nonceSecret: Uint8Array
  readonly chainId: number
  readonly deliver: Deliver
}

export async function createTreasury(options: TreasuryOptions): Promise<Treasury> {
  const { asset, purse, wallet, nonceSecret, deliver } = options
  const address = await purse.address(null)
  return {
    ...{ address, asset },
    addressOf: (sessionId) => wallet.address(sessionId),
    nonceOf: (funding) => {
      const text = `purser funding 1\n${asset.network}\n${asset.address}\n${fundingId(funding)}`
      return `0x${createHmac('sha256', nonceSecret).update(text, 'utf8').digest('hex')}`
    },
    async send(funding) {
      const own = await wallet.address(funding.sessionId)
      const data = moveOf(funding, options)
      const out = funding.kind !== 'sweep' && data.from === address && data.to === own
      const back = funding.kind === 'sweep' && data.from === own && data.to === address
      if (!out && !back) throw new Error('a move of the treasury goes to the session’s own address or comes from there')
      const signature = out ? await purse.signTransfer(null, data) : await wallet.signTransfer(funding.sessionId, data)
      const { value, validAfter, validBefore, nonce } = data
      return deliver({
        ...{ network: funding.network, token: funding.token, from: data.from, to: data.to },
        ...{ value, validAfter, validBefore, nonce, signature },
      })
    },
  }
}

function moveOf(funding: Funding & { readonly validBefore_s: number }, { asset, chainId }: TreasuryOptions): TransferAuthorization {
  const { from, to, amountAtomic, nonce, validBefore_s, token, network } = funding
  if (network !== asset.network || token !== asset.address || !asset.eip712)
    throw new Error('a move is of another token than the treasury’s')
  return {
    domain: { ...asset.eip712, chainId, verifyingContract: hex(token) },
    ...{ from: hex(from), to: hex(to), nonce: hex(nonce) },
    ...{ value: amountAtomic, validAfter: 0n, validBefore: BigInt(validBefore_s) },
  }
}

function hex(text: string): Hex {
  if (!/^0x[0-9a-fA-F]+$/.test(text)) throw new Error('a value that should be hex is not')
  return `0x${text.slice(2)}`
}
