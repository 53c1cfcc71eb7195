/** Permits on the test chain: signed by a payer of our own wallet, settled by whoever may. */
import { x402ExactPermit2ProxyABI, x402UptoPermit2ProxyABI } from '@x402/evm'
import { encodeFunctionData, type Hex, toHex } from 'viem'
import type { SignedTransfer } from '../../src/chain/chain.ts'
import { PERMIT2_SPENDERS } from '../../src/rails/x402/schemes/permit2.ts'
import type { PermitTransfer } from '../../src/wallet/wallet.ts'
import { chainTime, PAYEE, type Payer, submit } from './authorizations.ts'
import { type Chain, NETWORK, USDC } from './chain.ts'

export interface SignedPermit {
  readonly transfer: SignedTransfer
  readonly permit: PermitTransfer
  readonly signature: Hex
}

/** Settled by the chain's rich account, where it is of scheme upto. */
export async function signPermit(
  chain: Chain,
  payer: Payer,
  { scheme, amountAtomic = 1_000n, window_s = 60, nonce = toHex(crypto.getRandomValues(new Uint8Array(32))) }: PermitTerms,
): Promise<SignedPermit> {
  const signedAt_s = await chainTime(chain)
  const validBefore_s = signedAt_s + window_s
  const facilitator = scheme === 'upto' ? { facilitator: chain.sender.address } : {}
  const permit: PermitTransfer = {
    ...{ chainId: 84_532, token: USDC, from: payer.address, amount: amountAtomic, spender: PERMIT2_SPENDERS[scheme], nonce },
    ...{ deadline: BigInt(validBefore_s - 1), witness: { to: PAYEE, ...facilitator, validAfter: BigInt(signedAt_s - 600) } },
  }
  const parties = { network: NETWORK, token: USDC, payer: payer.address, payTo: PAYEE }
  return {
    permit,
    signature: await payer.wallet.signPermit(null, permit),
    transfer: { ...parties, nonce, amountAtomic, permit: scheme, validBefore_s, signedAt_s },
  }
}

export interface PermitTerms {
  readonly scheme: 'exact' | 'upto'
  readonly amountAtomic?: bigint
  readonly window_s?: number
  readonly nonce?: Hex
}

/** The call that settles it, by its proxy; `amount` for scheme upto. */
export function settleCall({ permit, signature }: SignedPermit, amount: bigint): { readonly to: Hex; readonly data: Hex } {
  const { token, amount: most, nonce, deadline, from, witness, spender } = permit
  const permitted = { permitted: { token, amount: most }, nonce: BigInt(nonce), deadline }
  const { to, facilitator, validAfter } = witness
  const data =
    facilitator === undefined
      ? encodeFunctionData({
          ...{ abi: x402ExactPermit2ProxyABI, functionName: 'settle' },
          args: [permitted, from, { to, validAfter }, signature],
        })
      : encodeFunctionData({
          ...{ abi: x402UptoPermit2ProxyABI, functionName: 'settle' },
          args: [permitted, amount, from, { to, facilitator, validAfter }, signature],
        })
  return { to: spender, data }
}

export function settlePermit(chain: Chain, signed: SignedPermit, amount = signed.permit.amount) {
  return submit(chain, settleCall(signed, amount))
}
