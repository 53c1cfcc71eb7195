import { describe, expect, it } from 'vitest'
import { EIP3009, exactByEip3009 } from '../../../../src/rails/x402/schemes/eip3009.ts'
import { proveSigned } from '../../../../src/rails/x402/schemes/scheme.ts'
import { NONCE, offered, REQUIRED_V2, rail, WINDOW, wallet } from '../challenges.ts'

const { challenge, offer } = offered(REQUIRED_V2)
const request = { challenge, offer, nonce: NONCE, ...WINDOW, walletName: null }

describe('a prepared payment', () => {
  it('says what it can move: what the offer asks for, by the ledger’s nonce', async () => {
    const prepared = exactByEip3009(request, await wallet.address(null))
    expect(prepared.move).toMatchObject({ to: offer.payTo, value: offer.amount, nonce: NONCE })
  })

  it('is proven against a copy that no wallet has seen', async () => {
    const prepared = exactByEip3009(request, await wallet.address(null))
    const spoiling = { ...wallet, signTransfer: (name: string | null, data: object) => wallet.signTransfer(name, spoil(data)) }
    const signature = await prepared.sign(spoiling)
    const { headers } = await rail.authorize(request, wallet)
    await expect(prepared.prove(headers)).resolves.toBeUndefined()
    expect(prepared.payload(signature)).toContain('"value":"10000"')
  })

  it('of another payer is stopped', async () => {
    const { headers, payer } = await rail.authorize(request, wallet)
    const decided = EIP3009.build(request, payer)
    await expect(proveSigned(EIP3009, headers, { offer, decided, payer: offer.payTo })).rejects.toThrow('(signer)')
  })
})

function spoil(data: object): never {
  return Object.assign(data, { value: 1n }) as never
}
