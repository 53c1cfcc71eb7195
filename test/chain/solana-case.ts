/** A payment on the test chain, signed by our wallet and handed to the chain by a fee payer, or not. */
import { createPrivateKey, randomBytes, sign } from 'node:crypto'
import { z } from 'zod'
import type { SignedTransfer } from '../../src/chain/chain.ts'
import { createRpc } from '../../src/chain/rpc.ts'
import { createSolanaNode, type SolanaNode } from '../../src/chain/solana-node.ts'
import { compileTransfer, memoOf, type SolanaTransfer, wireTransaction } from '../../src/solana-message.ts'
import { writeProof } from '../../src/solana-proof.ts'
import { createSolanaWallet } from '../../src/wallet/solana-key.ts'
import { SOLANA, SOLANA_USDC, type TestSolana, USDC_TOKEN } from '../testnet/solana.ts'

export interface SolanaCase {
  readonly node: SolanaNode
  readonly payer: string
  /** Signs a payment, and says what it is looked for by. */
  signed(memo?: string): Promise<{ readonly transfer: SignedTransfer; send(): Promise<string> }>
}

const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')

export async function openCase(solana: TestSolana): Promise<SolanaCase> {
  const [seed, feeSeed] = [randomBytes(32), randomBytes(32)]
  const wallet = createSolanaWallet(seed)
  const [payer, feePayer, payTo] = await Promise.all(
    [wallet, createSolanaWallet(feeSeed), createSolanaWallet(randomBytes(32))].map((one) => one.address(null)),
  )
  if (!payer || !feePayer || !payTo) throw new Error('a key has no address')
  solana.fund(payer, 10_000n)
  solana.fund(payTo, 0n)
  solana.fundFees(feePayer)
  const rpc = createRpc({ url: solana.rpc })
  const node = createSolanaNode(rpc, SOLANA)
  const feeKey = createPrivateKey({ key: Buffer.concat([PKCS8, feeSeed]), format: 'der', type: 'pkcs8' })
  return {
    node,
    payer,
    signed: async (memo) => {
      const { blockhash, lastValidBlockHeight, slot } = await node.recentBlock()
      const nonce = `0x${randomBytes(32).toString('hex')}` as const
      const parts: SolanaTransfer = {
        ...{ network: SOLANA, ...USDC_TOKEN, decimals: 6, from: payer, to: payTo, value: 1_000n, nonce, feePayer, blockhash },
        ...(memo !== undefined && { memo }),
      }
      const message = compileTransfer(parts)
      const signature = await wallet.signTransfer(null, parts)
      const authorized = writeProof(signature, { lastValidBlockHeight, slot, memo: memoOf(parts) })
      const wire = wireTransaction(message, signature)
      wire.set(sign(null, message, feeKey), 1)
      return {
        transfer: {
          ...{ network: SOLANA, token: SOLANA_USDC, payer, payTo, nonce, amountAtomic: 1_000n },
          ...{ validBefore_s: 1_800_000_000, signedAt_s: 1_799_999_940, authorized },
        },
        send: () => rpc.call('sendTransaction', [Buffer.from(wire).toString('base64'), { encoding: 'base64' }], z.string()),
      }
    },
  }
}
