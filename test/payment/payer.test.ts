import { expect, it } from 'vitest'
import { payerOn } from '../../src/payment/payer.ts'
import { createLocalWallet } from '../../src/wallet/local-key.ts'
import { createSolanaWallet } from '../../src/wallet/solana-key.ts'

it('a wallet pays with another address on Solana, and not at all where it has none', async () => {
  const evm = createLocalWallet({ key: `0x${'c0ffee11'.repeat(8)}` })
  const solana = createSolanaWallet(new Uint8Array(32).fill(7))
  const both = Object.assign(createLocalWallet({ key: `0x${'c0ffee11'.repeat(8)}` }), { solana })
  expect(await payerOn(both, 'eip155:1', null)).toBe(await evm.address(null))
  expect(await payerOn(both, 'solana:x', null)).toBe(await solana.address(null))
  await expect(payerOn(evm, 'solana:x', null)).rejects.toThrow('No wallet for solana:x is configured.')
})
