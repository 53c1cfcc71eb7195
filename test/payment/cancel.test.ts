import { numberToHex } from 'viem'
import { generatePrivateKey } from 'viem/accounts'
import { describe, expect, it } from 'vitest'
import type { Cancellation } from '../../src/chain/chain.ts'
import { cancelCall } from '../../src/chain/eip3009.ts'
import { createGasWallet } from '../../src/chain/gas-wallet.ts'
import { RpcError } from '../../src/chain/rpc.ts'
import { type CancelDeps, createCancel } from '../../src/payment/cancel.ts'
import { createRecovery } from '../../src/payment/recover.ts'
import { knownAssets } from '../../src/rails/x402/assets.ts'
import { createLocalWallet } from '../../src/wallet/local-key.ts'
import { settle, submit } from '../testnet/authorizations.ts'
import { NETWORK, USDC } from '../testnet/chain.ts'
import { newest, startChainRig, stateOf, unknownPayment, warnings } from './proof-rig.ts'
import { type Rig, settled, startRig } from './rig.ts'

function cancelOf(rig: Rig, changes: Partial<CancelDeps> = {}) {
  const { ledger, deps, clock } = rig
  return createCancel({ ledger, wallet: deps.wallet, assets: knownAssets(), clock, callOf: cancelCall, ...changes })
}

describe('on the real chain, cancelling a payment', () => {
  it('with a gas wallet makes it worthless; the ledger frees it when a final block shows it', async () => {
    await using world = await startChainRig()
    const { rig, chain, port } = world
    const gasWallet = createGasWallet({ key: generatePrivateKey(), networks: [{ id: NETWORK, rpc: chain.rpcUrl }] })
    await chain.rpc('anvil_setBalance', [gasWallet.address, numberToHex(10n ** 18n)])
    const payment = await unknownPayment(rig)
    const done = await cancelOf(rig, { gasWallet })(payment.id)
    expect(done).toMatchObject({
      kind: 'submitted',
      paymentId: payment.id,
      network: NETWORK,
      note: expect.stringContaining('races the settlement'),
    })
    expect(await rig.balance()).toMatchObject({ held: 1_000n })
    expect((await settle(chain, world.lastSigned())).succeeded).toBe(false)
    await chain.mine({ blocks: 1 })
    const { ledger, clock } = rig
    const recovery = createRecovery({ ledger, chain: port, clock, ...warnings(), wallets: [] })
    expect(await recovery.round()).toMatchObject({ resolved: [{ paymentId: payment.id, outcome: 'void' }] })
    expect(await rig.balance()).toMatchObject({ spent: 0n, held: 0n })
  })

  it('without one gives the signed call, which anyone with gas can send', async () => {
    await using world = await startChainRig()
    const { rig, chain } = world
    const payment = await unknownPayment(rig)
    const done = await cancelOf(rig)(payment.id)
    expect(done).toMatchObject({ kind: 'signed', transaction: null, note: expect.stringContaining('Nothing was sent') })
    expect(done.call).toMatchObject({ chainId: 84532, to: USDC })
    const sent = await submit(chain, { to: USDC, data: done.call.data as `0x${string}` })
    expect(sent.succeeded).toBe(true)
    expect((await settle(chain, world.lastSigned())).succeeded).toBe(false)
    expect(await stateOf(rig, payment.id)).toMatchObject({ state: 'unknown' })
  })

  it('is not possible for a permit, which only a transaction of the wallet cancels', async () => {
    await using rig = await startRig()
    const payment = await unknownPayment(rig)
    if (!payment.terms) throw new Error('it has no terms')
    const permit = { ...payment, terms: { ...payment.terms, method: 'permit2' as const } }
    const ledger = { payment: async () => permit, session: async () => undefined }
    await expect(cancelOf(rig, { ledger })(payment.id)).rejects.toMatchObject({ refusal: { code: 'conflict' } })
  })

  it('is not possible for a voucher, which is on no chain, and is for the deposit of a channel', async () => {
    await using rig = await startRig()
    const payment = await unknownPayment(rig)
    const through = (method: 'voucher' | 'deposit') => {
      const of = payment.terms && { ...payment.terms, scheme: 'batch-settlement', method }
      return { payment: async () => ({ ...payment, terms: of }), session: async () => undefined }
    }
    const refusal = { code: 'conflict', detail: expect.stringContaining('a voucher of a channel, which nothing cancels') }
    await expect(cancelOf(rig, { ledger: through('voucher') })(payment.id)).rejects.toMatchObject({ refusal })
    expect(await cancelOf(rig, { ledger: through('deposit') })(payment.id)).toMatchObject({ kind: 'signed' })
  })

  it('that was settled meanwhile fails, and the settlement counts', async () => {
    await using world = await startChainRig()
    const { rig, chain } = world
    const gasWallet = createGasWallet({ key: generatePrivateKey(), networks: [{ id: NETWORK, rpc: chain.rpcUrl }] })
    const payment = await unknownPayment(rig)
    await settle(chain, world.lastSigned())
    const refused = await cancelOf(rig, { gasWallet })(payment.id)
    expect(refused).toMatchObject({ kind: 'signed', transaction: null })
    expect(refused.note).toMatch(/authorization is used or canceled\. Then this call can do nothing any more: `purser reconcile` asks/)
    expect(refused.note).not.toContain('Anyone with gas')
    expect(await rig.balance()).toMatchObject({ held: 1_000n })
  })
})

describe('nothing is signed to cancel', () => {
  const never = { cancel: () => Promise.reject(new Error('never submitted')) }
  const conflict = (detail: string) => ({ refusal: { code: 'conflict', detail: expect.stringContaining(detail) } })

  it('a payment that is not there', async () => {
    await using rig = await startRig()
    await expect(cancelOf(rig, { gasWallet: never })('pay_0')).rejects.toMatchObject({ refusal: { code: 'not_found' } })
  })

  it('a payment that is settled or was refused', async () => {
    await using rig = await startRig()
    await rig.pay(() => settled())
    await expect(cancelOf(rig)((await newest(rig)).id)).rejects.toMatchObject(conflict('is settled'))
    await rig.pay(() => settled(), { request: rig.request({ hints: { payNever: true } }) })
    await expect(cancelOf(rig)((await newest(rig)).id)).rejects.toMatchObject(conflict('is denied'))
  })

  it('a payment whose window has closed', async () => {
    await using rig = await startRig()
    const payment = await unknownPayment(rig)
    rig.clock.advance(60_000)
    await expect(cancelOf(rig)(payment.id)).rejects.toMatchObject(conflict('closed at'))
  })

  it('a payment of another wallet, or in a token that is not known here', async () => {
    await using rig = await startRig()
    const payment = await unknownPayment(rig)
    const wallet = createLocalWallet({ key: generatePrivateKey() })
    await expect(cancelOf(rig, { wallet })(payment.id)).rejects.toMatchObject(conflict('was signed by'))
    await expect(cancelOf(rig, { assets: [] })(payment.id)).rejects.toMatchObject(conflict('not configured here'))
  })
})

describe('a cancellation that the gas wallet could not submit', () => {
  it.each(['rpc.test refused eth_call: out of gas', 'Gas costs too much now.'])('is told in whole sentences: %s', async (message) => {
    await using rig = await startRig()
    const payment = await unknownPayment(rig)
    const gasWallet = { cancel: () => Promise.reject(new RpcError(message)) }
    const { note } = await cancelOf(rig, { gasWallet })(payment.id)
    expect(note).toContain(`could not submit it: ${message.replace(/\.$/, '')}. Anyone with gas can send this call`)
  })
})

describe('the cancellation that is signed', () => {
  it('is for the payment’s own nonce, token and wallet', async () => {
    await using rig = await startRig()
    const payment = await unknownPayment(rig)
    const seen: Cancellation[] = []
    await cancelOf(rig, { callOf: (cancellation) => cancelCall(seen[seen.push(cancellation) - 1] ?? cancellation) })(payment.id)
    const authorizer = await rig.deps.wallet.address(null)
    expect(seen).toMatchObject([{ network: NETWORK, token: USDC, authorizer, nonce: payment.nonce }])
  })
})
