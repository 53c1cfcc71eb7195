/** Challenges for Solana as servers write them, and the wallet that answers. */
import { createHash } from 'node:crypto'
import type { Anchor, AuthorizeRequest, Rail } from '../../../../src/rails/rail.ts'
import { knownMints } from '../../../../src/rails/x402/svm/mints.ts'
import { createX402Rail } from '../../../../src/rails/x402/x402.ts'
import { encodeBase58 } from '../../../../src/solana-address.ts'
import { createLocalWallet } from '../../../../src/wallet/local-key.ts'
import { createSolanaWallet } from '../../../../src/wallet/solana-key.ts'
import type { TransferSigner } from '../../../../src/wallet/wallet.ts'
import { SOLANA, SOLANA_USDC } from '../../../testnet/solana.ts'
import { challengeOf, headOf, NONCE, onlyOffer, WINDOW } from '../challenges.ts'

/** The address of a key that nobody keeps. */
export function somebody(name: string): Promise<string> {
  return createSolanaWallet(createHash('sha256').update(name).digest()).address(null)
}

export const rail: Rail = createX402Rail({ assets: knownMints(), networks: [SOLANA] })
export const solanaWallet = createSolanaWallet(createHash('sha256').update('payer').digest())
export const wallet: TransferSigner = Object.assign(createLocalWallet({ key: `0x${'c0ffee11'.repeat(8)}` }), { solana: solanaWallet })
export const PAYER = await solanaWallet.address(null)
export const MERCHANT = await somebody('merchant')
export const FEE_PAYER = await somebody('facilitator')
export const ANCHOR: Anchor = { blockhash: encodeBase58(new Uint8Array(32).fill(9)), lastValidBlockHeight: 1_150n, slot: 1_000n }

export const ENTRY = {
  ...{ scheme: 'exact', network: SOLANA, amount: '1000', asset: SOLANA_USDC, payTo: MERCHANT, maxTimeoutSeconds: 60 },
  extra: { feePayer: FEE_PAYER } as Record<string, unknown>,
}

export const required = (entry: unknown) => ({ x402Version: 2, accepts: [entry] })

/** What is to be signed for the only offer of this challenge. */
export function request(entry: unknown = ENTRY): AuthorizeRequest {
  const challenge = challengeOf(rail.detect(headOf(required(entry)), undefined))
  return { challenge, offer: onlyOffer(challenge), nonce: NONCE, ...WINDOW, walletName: null, anchor: ANCHOR }
}

/** Why the only entry cannot be paid, as code and reason. */
export function rejectionOf(entry: unknown): string {
  const { offers, rejected } = challengeOf(rail.detect(headOf(required(entry)), undefined))
  if (offers.length > 0) return 'it can be paid'
  return rejected.map(({ code, reason }) => `${code}: ${reason}`).join()
}
