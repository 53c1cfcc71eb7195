import { verify } from 'node:crypto'
import { getTransactionDecoder } from '@solana/kit'
import { describe, expect, it } from 'vitest'
import { authorizeOnSolana } from '../../../../src/rails/x402/svm/authorization.ts'
import { encodeBase58, publicKeyOf } from '../../../../src/solana-address.ts'
import { compileTransfer } from '../../../../src/solana-message.ts'
import { readProof } from '../../../../src/solana-proof.ts'
import type { SolanaWallet, TransferSigner } from '../../../../src/wallet/wallet.ts'
import { NONCE } from '../challenges.ts'
import { ANCHOR, ENTRY, FEE_PAYER, MERCHANT, PAYER, rail, request, solanaWallet, wallet } from './offers.ts'

const signing = (signTransfer: SolanaWallet['signTransfer']): TransferSigner => ({ ...wallet, solana: { ...solanaWallet, signTransfer } })

describe('a payment on Solana', () => {
  it('is a header with the transaction, signed by its owner and by nobody else', async () => {
    const { headers, payer, payTo, transfer, signature, nonce } = await rail.authorize(request(), wallet)
    expect([payer, payTo, nonce, transfer.to, transfer.value]).toEqual([PAYER, MERCHANT, NONCE, MERCHANT, 1_000n])
    const payment = JSON.parse(Buffer.from(headers[1] ?? '', 'base64').toString())
    expect([headers[0], payment.accepted]).toEqual(['PAYMENT-SIGNATURE', ENTRY])
    const { signatures, messageBytes } = getTransactionDecoder().decode(Buffer.from(payment.payload.transaction, 'base64'))
    const owners = signatures[PAYER as keyof typeof signatures]
    expect(Object.keys(signatures)).toEqual([FEE_PAYER, PAYER])
    expect(signatures[FEE_PAYER as keyof typeof signatures]).toBeNull()
    expect(verify(null, Uint8Array.from(messageBytes), publicKeyOf(PAYER), Uint8Array.from(owners ?? []))).toBe(true)
    expect(readProof(signature)).toEqual({
      ...{ signature: encodeBase58(Uint8Array.from(owners ?? [])), lastValidBlockHeight: 1_150n, slot: 1_000n, memo: NONCE.slice(2, 34) },
    })
  })

  it('is the same to the byte when it is made again', async () => {
    expect(await rail.authorize(request(), wallet)).toEqual(await rail.authorize(request(), wallet))
  })

  it('is refused where the wallet itself would pay the fee, or be paid', async () => {
    const fee = { ...ENTRY, extra: { feePayer: PAYER } }
    await expect(rail.authorize(request(fee), wallet)).rejects.toThrow('pay the fee. Nothing was signed.')
    await expect(rail.authorize(request({ ...ENTRY, payTo: PAYER }), wallet)).rejects.toThrow('which is the paying wallet itself')
  })

  it('is stopped where the wallet signed something else, or somebody else signed', async () => {
    const more = signing((name, transfer) => solanaWallet.signTransfer(name, { ...transfer, value: transfer.value + 1n }))
    await expect(rail.authorize(request(), more)).rejects.toThrow('(signer). Nothing was sent.')
    const garbage = signing(async () => new Uint8Array(64))
    await expect(rail.authorize(request(), garbage)).rejects.toThrow('(signer). Nothing was sent.')
    const short = signing(async () => new Uint8Array(63))
    await expect(rail.authorize(request(), short)).rejects.toThrow('64 bytes')
  })

  it('is stopped before it is signed where the message that was written says something else', async () => {
    let signatures = 0
    const counted: SolanaWallet = {
      ...solanaWallet,
      signTransfer: (...given) => {
        signatures++
        return solanaWallet.signTransfer(...given)
      },
    }
    const header = () => ['PAYMENT-SIGNATURE', '']
    const more = authorizeOnSolana(request(), counted, header, (transfer) => compileTransfer({ ...transfer, value: transfer.value + 1n }))
    await expect(more).rejects.toMatchObject({ refusal: { code: 'internal_error' } })
    expect(signatures).toBe(0)
  })

  it('is stopped where the finished header carries other bytes', async () => {
    const other = authorizeOnSolana(request(), solanaWallet, () => ['PAYMENT-SIGNATURE', Buffer.from('{}').toString('base64')])
    await expect(other).rejects.toThrow('(header). Nothing was sent.')
    const payload = { x402Version: 2, accepted: {}, payload: { transaction: 'AAAA' } }
    const swapped = authorizeOnSolana(request(), solanaWallet, () => ['H', Buffer.from(JSON.stringify(payload)).toString('base64')])
    await expect(swapped).rejects.toThrow('(transaction). Nothing was sent.')
  })

  it('needs a wallet and a recent block', async () => {
    const { anchor: _, ...without } = request()
    await expect(rail.authorize(without, wallet)).rejects.toThrow('Nothing was signed.')
    const { solana: __, ...evm } = wallet
    await expect(rail.authorize(request(), evm)).rejects.toThrow('Nothing was signed.')
    await expect(rail.authorize({ ...request(), anchor: { ...ANCHOR, blockhash: 'stale' } }, wallet)).rejects.toThrow('base 58')
  })
})
