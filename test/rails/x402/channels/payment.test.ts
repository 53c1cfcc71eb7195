import { generatePrivateKey } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { channelIdOf } from '../../../../src/channel-digest.ts'
import { type ChannelAccount, chargedBy, deposited, nextVoucher, unvouched, vouched } from '../../../../src/rails/x402/channels/account.ts'
import { corrected, readCorrection } from '../../../../src/rails/x402/channels/correction.ts'
import { type ChannelOffer, channelOf } from '../../../../src/rails/x402/channels/offer.ts'
import type { ChannelMessage } from '../../../../src/rails/x402/channels/payload.ts'
import { type ChannelPayment, payThroughChannel, proveChannel } from '../../../../src/rails/x402/channels/payment.ts'
import { readStatement } from '../../../../src/rails/x402/channels/statement.ts'
import { createLocalWallet } from '../../../../src/wallet/local-key.ts'
import type { ChannelConfig, ChannelSigner, Hex } from '../../../../src/wallet/wallet.ts'
import { makeTestTls } from '../../../testnet/certificates.ts'
import { type Chain, NETWORK, startChain } from '../../../testnet/chain.ts'
import { readChannel } from '../../../testnet/channel-reader.ts'
import { CHANNEL_PRICE, type ChannelServer, startChannelServer } from '../../../testnet/channels.ts'
import { wallet } from '../challenges.ts'
import { CHANNEL_ENTRY, offerOf, ownChannel, SALT } from './offers.ts'

const CHAIN_ID = 84532
const DEPOSIT = 100_000n
const FUNDS = 1_000_000n
const NOTHING: ChannelAccount = { deposited: 0n, signed: 0n, charged: 0n }

describe('a payment through a channel, with the official server and facilitator', () => {
  let chain: Chain
  let server: ChannelServer
  beforeAll(async () => {
    chain = await startChain()
    server = await startChannelServer(chain, makeTestTls())
  })
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]()
    await chain?.[Symbol.asyncDispose]()
  })

  /** A wallet with funds, the server's own offer, and the channel for both. */
  async function open() {
    const payerWallet = createLocalWallet({ key: generatePrivateKey() })
    const payer = await payerWallet.address(null)
    await chain.fund(payer, FUNDS)
    const [, offer] = await ask()
    return { payerWallet, payer, offer, channel: channelOf({ offer, payer, salt: SALT }) }
  }
  type Opened = Awaited<ReturnType<typeof open>>

  async function ask(payment?: ChannelPayment): Promise<[Response, ChannelOffer]> {
    const [name = '', value = ''] = payment?.headers ?? []
    const response = await fetch(`${server.url}/tick`, payment ? { headers: { [name]: value } } : {})
    const required = response.headers.get('payment-required')
    if (required === null) return [response, offerOf()]
    return [response, offerOf(JSON.parse(Buffer.from(required, 'base64').toString('utf8')).accepts[0])]
  }

  function sign({ payerWallet, offer, channel }: Opened, message: Pick<ChannelMessage, 'kind' | 'cumulative' | 'deposit' | 'refund'>) {
    return payThroughChannel({ offer, message: { ...message, channel, chainId: CHAIN_ID }, walletName: null }, payerWallet)
  }

  /** One request: a voucher, or a deposit with it. */
  async function buy(opened: Opened, account: ChannelAccount): Promise<ChannelAccount> {
    const next = nextVoucher(account, opened.offer.amount)
    const kind = next.kind === 'short' ? 'deposit' : 'voucher'
    const terms = { amount: DEPOSIT, validAfter_s: 0, validBefore_s: Math.floor(Date.now() / 1000) + 60, salt: SALT } as const
    const payment = await sign(opened, { kind, cumulative: next.cumulative, ...(kind === 'deposit' && { deposit: terms }) })
    const before = vouched(kind === 'deposit' ? deposited(account, DEPOSIT) : account, next.cumulative)
    const [response] = await ask(payment)
    expect(response.status).toBe(200)
    const said = readStatement(headOf(response), { channelId: payment.channelId, network: NETWORK, kind })
    if (said?.kind !== 'charged') throw new Error(`not charged: ${JSON.stringify(said)}`)
    expect(said.transaction === undefined).toBe(kind === 'voucher')
    const after = chargedBy(before, said.charge, next.cumulative)
    if (!after) throw new Error('the charge does not add up')
    return after
  }

  async function buyMany(opened: Opened, times: number): Promise<ChannelAccount> {
    let account = NOTHING
    for (let i = 0; i < times; i += 1) account = await buy(opened, account)
    return account
  }

  it('deposits once, is charged by vouchers, settles in one claim and gets the rest back, to the unit', async () => {
    const opened = await open()
    const before = server.settlements.length
    const account = await buyMany(opened, 20)
    expect(account).toEqual({ deposited: DEPOSIT, signed: 20n * CHANNEL_PRICE, charged: 20n * CHANNEL_PRICE })
    const refund = await sign(opened, { kind: 'refund', cumulative: account.charged })
    const [response] = await ask(refund)
    const said = readStatement(headOf(response), { channelId: refund.channelId, network: NETWORK, kind: 'refund' })
    expect(said).toMatchObject({ kind: 'refunded', amountAtomic: unvouched(account) })
    expect(server.settlements.slice(before).map(({ success }) => success)).toEqual([true, true])
    expect(await chain.balanceOf(opened.payer)).toBe(FUNDS - account.charged)
    expect(await readChannel(chain, refund.channelId)).toEqual({ balance: account.charged, claimed: account.charged, withdrawing: 0n })
  })

  it('deposits again where the channel runs dry', async () => {
    const opened = await open()
    let account = await buyMany(opened, 1)
    const terms = {
      amount: 5_000n,
      validAfter_s: 0,
      validBefore_s: Math.floor(Date.now() / 1000) + 60,
      salt: `0x${'b6'.repeat(32)}`,
    } as const
    const topUp = await sign(opened, { kind: 'deposit', cumulative: account.charged + CHANNEL_PRICE, deposit: terms })
    account = vouched(deposited(account, terms.amount), account.charged + CHANNEL_PRICE)
    const [response] = await ask(topUp)
    const said = readStatement(headOf(response), { channelId: topUp.channelId, network: NETWORK, kind: 'deposit' })
    if (said?.kind !== 'charged') throw new Error('not charged')
    expect(chargedBy(account, said.charge, account.signed)).toMatchObject({ deposited: DEPOSIT + 5_000n, charged: 2n * CHANNEL_PRICE })
    expect(await readChannel(chain, topUp.channelId)).toMatchObject({ balance: DEPOSIT + 5_000n })
  })

  it('goes on where an answer was lost: the server’s sums are borne out by our own voucher', async () => {
    const opened = await open()
    const account = await buyMany(opened, 3)
    const lost = vouched(account, account.charged + CHANNEL_PRICE)
    await ask(await sign(opened, { kind: 'voucher', cumulative: lost.signed }))
    const [refused, offer] = await ask(await sign(opened, { kind: 'voucher', cumulative: lost.signed }))
    expect(refused.status).toBe(402)
    const disputed = { account: lost, channel: opened.channel, chainId: CHAIN_ID }
    const { balance, claimed } = await readChannel(chain, channelIdOf(opened.channel, CHAIN_ID))
    const agreed = await corrected({ ...disputed, chain: { balance, claimed } }, readCorrection(offer, disputed))
    expect(agreed).toEqual({ ...lost, charged: 4n * CHANNEL_PRICE })
    if (agreed) expect(await buy(opened, agreed)).toMatchObject({ charged: 5n * CHANNEL_PRICE })
  })
})

describe('what is signed for a channel', () => {
  let channel: ChannelConfig
  beforeAll(async () => {
    channel = await ownChannel()
  })
  const terms = { amount: DEPOSIT, validAfter_s: 0, validBefore_s: 1_800_000_000, salt: SALT } as const
  const messageOf = (change: Partial<ChannelMessage> = {}): ChannelMessage => {
    return { kind: 'deposit', channel, chainId: CHAIN_ID, cumulative: 1_000n, deposit: terms, ...change }
  }
  const pay = (message: ChannelMessage, signer: ChannelSigner = wallet) => {
    return payThroughChannel({ offer: offerOf(), message, walletName: null }, signer)
  }
  const internal = (detail: RegExp) => ({ refusal: { code: 'internal_error', detail: expect.stringMatching(detail) } })

  it('is the same to the byte when it is signed again', async () => {
    expect(await pay(messageOf())).toEqual(await pay(messageOf()))
  })

  it.each(['receiver', 'receiverAuthorizer', 'token', 'payer', 'payerAuthorizer'] as const)(
    'is nothing where the channel’s %s is not the offer’s',
    async (part) => {
      const other: Hex = '0x0000000000000000000000000000000000000001'
      await expect(pay(messageOf({ channel: { ...channel, [part]: other } }))).rejects.toMatchObject(
        internal(/not the offer’s\. Nothing was signed/),
      )
    },
  )

  it('is nothing where the channel’s delay or chain is not the offer’s', async () => {
    await expect(pay(messageOf({ channel: { ...channel, withdrawDelay: 901 } }))).rejects.toMatchObject(internal(/not the offer’s/))
    await expect(pay(messageOf({ chainId: 8453 }))).rejects.toMatchObject(internal(/not the offer’s/))
  })

  it.each([
    [{ cumulative: 999n }, /voucher’s sum/],
    [{ cumulative: 2n ** 128n }, /voucher’s sum/],
    [{ deposit: { ...terms, amount: 0n } }, /deposit is none/],
    [{ deposit: { ...terms, amount: 2n ** 128n } }, /deposit is none/],
    [{ deposit: { ...terms, validBefore_s: 0 } }, /no window/],
    [{ deposit: { ...terms, validBefore_s: Number.NaN } }, /no window/],
    [{ deposit: { ...terms, salt: '0x5a' } }, /salt is not 32 bytes/],
    [{ kind: 'voucher' }, /A deposit has terms/],
  ] as const)('is nothing for %o', async (change, detail) => {
    await expect(pay(messageOf(change as Partial<ChannelMessage>))).rejects.toMatchObject(internal(detail))
  })

  it('does not pay the wallet itself', async () => {
    const payTo = await wallet.address(null)
    const offer = offerOf({ ...CHANNEL_ENTRY, payTo })
    const message = messageOf({ channel: channelOf({ offer, payer: payTo, salt: SALT }) })
    await expect(payThroughChannel({ offer, message, walletName: null }, wallet)).rejects.toMatchObject({
      refusal: { code: 'challenge_invalid' },
    })
  })

  it.each(['signVoucher', 'signDeposit'] as const)('does not leave where the wallet’s %s signs something else', async (operation) => {
    const lying: ChannelSigner = {
      address: wallet.address,
      signVoucher: (name, data) => wallet.signVoucher(name, operation === 'signVoucher' ? { ...data, cumulative: 2_000n } : data),
      signDeposit: (name, data) => wallet.signDeposit(name, operation === 'signDeposit' ? { ...data, amount: 2n * DEPOSIT } : data),
    }
    await expect(pay(messageOf(), lying)).rejects.toMatchObject(internal(/\(signer\)\. Nothing was sent/))
  })

  it.each([
    ['payload', '"maxClaimableAmount":"1000"', '"maxClaimableAmount":"2000"'],
    ['payload', `"amount":"${DEPOSIT}"`, `"amount":"${2n * DEPOSIT}"`],
    ['payload', '"validBefore":"1800000000"', '"validBefore":"1900000000"'],
    ['payload', '"withdrawDelay":900,"salt"', '"withdrawDelay":901,"salt"'],
    ['accepted offer', '"minDeposit":"10000"', '"minDeposit":"20000"'],
    ['kind', '"type":"deposit"', '"type":"voucher"'],
    ['shape', '"x402Version":2', '"x402Version":2,"x402Version":2'],
  ])('is proven in the finished header: another %s is found', async (part, from, to) => {
    const { headers } = await pay(messageOf())
    const text = Buffer.from(headers[1] ?? '', 'base64').toString('utf8')
    expect(text).toContain(from)
    let changed = text.replace(from, to)
    if (part === 'kind') changed = changed.replace(/,"deposit":\{.*\}\}\}\}$/, '}}')
    const forged = ['PAYMENT-SIGNATURE', Buffer.from(changed, 'utf8').toString('base64')]
    await expect(proveChannel(forged, { offer: offerOf(), message: messageOf() })).rejects.toMatchObject(
      internal(new RegExp(`\\(${part}\\)`)),
    )
  })

  it('is one header of the protocol’s name', async () => {
    const { headers } = await pay(messageOf())
    const proof = { offer: offerOf(), message: messageOf() }
    await expect(proveChannel([...headers, ...headers], proof)).rejects.toMatchObject(internal(/header/))
    await expect(proveChannel(['X-PAYMENT', headers[1] ?? ''], proof)).rejects.toMatchObject(internal(/header/))
  })
})

function headOf(response: Response) {
  return { status: response.status, headers: [...response.headers].flat() }
}
