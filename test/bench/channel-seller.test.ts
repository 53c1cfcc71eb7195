import { expect, it } from 'vitest'
import { readStatement } from '../../src/rails/x402/channels/statement.ts'
import { offerOf, ownChannel, SALT } from '../rails/x402/channels/offers.ts'
import { NETWORK } from '../testnet/chain.ts'
import { sellByChannel } from './channel-seller.ts'

const CHANNEL_ID = `0x${'c4'.repeat(32)}` as const
const sale = { merchant: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8', priceAtomic: '1000', resource: 'http://127.0.0.1:1/channel' }

function headWith(type: string): string {
  const payload = { type, voucher: { channelId: CHANNEL_ID, maxClaimableAmount: '1000', signature: '0x' } }
  return `GET / HTTP/1.1\r\nPAYMENT-SIGNATURE: ${Buffer.from(JSON.stringify({ payload })).toString('base64')}\r\n`
}

it('the benchmarks’ seller by channel asks and charges as an official one', async () => {
  const { challenge, statementFor } = sellByChannel(sale)
  const [, required = ''] = challenge.headers
  const [offer] = JSON.parse(Buffer.from(required, 'base64').toString()).accepts
  expect((await ownChannel(offerOf(offer))).salt).toBe(SALT)
  const said = (['deposit', 'voucher'] as const).map((kind) => {
    const head = { status: 200, headers: ['PAYMENT-RESPONSE', statementFor(headWith(kind)) ?? ''] }
    return readStatement(head, { channelId: CHANNEL_ID, network: NETWORK, kind })
  })
  expect(said).toMatchObject([{ charge: { cumulative: 1_000n } }, { charge: { cumulative: 2_000n }, transaction: undefined }])
  expect([statementFor('GET / HTTP/1.1\r\n'), statementFor(headWith('refund'))]).toEqual([undefined, undefined])
})
