import { createOfferEIP712, createReceiptEIP712 } from '@x402/extensions/offer-receipt'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SendResult, UnpaidAnswer } from '../../src/session/exchange.ts'
import { challengeWith, encodeBase64, envelopeOf, offerOf } from '../testnet/wire.ts'
import { answer, COMPLETE, NETWORK, PAY_TO, type Rig, RULES, startRig, URL_ASKED } from './rig.ts'

const account = privateKeyToAccount(generatePrivateKey())
const signTyped = (data: object) => account.signTypedData(data as never)
const ENTRY = offerOf(2, { amount: '1000', payTo: PAY_TO, window_s: 60, resource: URL_ASKED })
const TRANSACTION = `0x${'ab'.repeat(32)}`

let rig: Rig
let warnings: string[]
beforeEach(async () => {
  rig = await startRig()
  warnings = []
  const { warned } = rig.deps.events
  const heard = (sentence: string, cause?: unknown) => {
    warnings.push(sentence)
    warned(sentence, cause)
  }
  Object.assign(rig.deps.events, { warned: heard })
})
afterEach(() => rig[Symbol.asyncDispose]())

function challenge(extensions: object): UnpaidAnswer {
  const { status, headers, body } = challengeWith(2, envelopeOf(2, { offers: [ENTRY], resource: URL_ASKED, more: { extensions } }))
  return { status, headers, body: Buffer.from(body) }
}

async function signedOffer(changes: object = {}) {
  const offer = await createOfferEIP712(
    URL_ASKED,
    { ...(ENTRY as unknown as { scheme: string } & typeof INPUT), acceptIndex: 0, ...changes },
    signTyped,
  )
  return { 'offer-receipt': { info: { offers: [offer] }, schema: {} } }
}
const INPUT = { network: NETWORK, asset: '', payTo: PAY_TO, amount: '1000', maxTimeoutSeconds: 60 }

/** With what the server signed about it. */
async function settledWith(changes: object): Promise<SendResult> {
  const input = {
    resourceUrl: URL_ASKED,
    payer: await rig.deps.wallet.address(null),
    network: NETWORK,
    transaction: TRANSACTION,
    ...changes,
  }
  const receipt = await createReceiptEIP712(input, signTyped)
  const extensions = { 'offer-receipt': { info: { receipt } } }
  return answer(200, ['PAYMENT-RESPONSE', encodeBase64({ success: true, transaction: TRANSACTION, network: NETWORK, extensions })])
}

async function paid(unpaid: UnpaidAnswer, receipt: object = {}) {
  const settled = await settledWith(receipt)
  const outcome = await rig.pay(() => settled, { unpaid })
  if (outcome.kind === 'answer') await outcome.delivered(COMPLETE)
  const { items } = await rig.ledger.receipts({}, { limit: 5 })
  return { outcome, entry: items.find(({ kind }) => kind === 'conclusion') }
}

describe('what a server signs', () => {
  it('stands in the receipt, with a signer who is trusted only where the operator lists it', async () => {
    const stranger = await paid(challenge(await signedOffer()))
    expect(stranger.entry?.context?.evidence?.[0]).toContain(
      `The offer is signed by ${account.address}, whom the operator has not listed: {"`,
    )
    rig.govern({
      rules: {
        ...RULES,
        recipients: { ...RULES.recipients, verified: [{ host: '*.example.com', signers: [account.address.toLowerCase()] }] },
      },
    })
    const listed = await paid(challenge(await signedOffer()))
    expect(listed.entry?.settlement).toContain(
      `signed by ${account.address}, a listed signer of this recipient. It agrees with the payment: {"`,
    )
    expect(warnings).toEqual([])
  })

  it('and has expired says so', async () => {
    const [signed] = (await signedOffer())['offer-receipt'].info.offers
    const ends_s = Math.floor(rig.clock.now() / 1000)
    for (const [validUntil, expired] of [
      [ends_s - 1, true],
      [ends_s + 1, false],
      [0, false],
    ] as const) {
      const payload = { ...signed?.payload, validUntil }
      const { entry } = await paid(challenge({ 'offer-receipt': { info: { offers: [{ ...signed, payload }] } } }))
      expect(entry?.context?.evidence?.[0]?.includes(', which has expired, is signed by 0x')).toBe(expired)
    }
  })

  it('for other terms is not paid', async () => {
    const { outcome } = await paid(challenge(await signedOffer({ amount: '999' })))
    expect(outcome).toMatchObject({ kind: 'refuse', refusal: { code: 'challenge_invalid' } })
    expect(rig.sent).toEqual([])
  })

  it.each([
    ['another payer', { payer: PAY_TO }],
    ['another network', { network: 'eip155:1' }],
    ['another resource', { resourceUrl: 'https://api.example.com/other' }],
    ['another transaction', { transaction: `0x${'cd'.repeat(32)}` }],
  ])('about %s is recorded, and an operator is told; the payment stays what it is', async (what, changes) => {
    const { outcome, entry } = await paid(challenge({}), changes)
    expect(outcome.kind).toBe('answer')
    expect(entry).toMatchObject({ state: 'settled', transaction: TRANSACTION })
    expect(entry?.settlement).toContain(`It contradicts the payment (${what}): {"`)
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain(what)
  })

  it('behind a proxy of its own, by plain http, is no contradiction', async () => {
    const { entry } = await paid(challenge({}), { resourceUrl: URL_ASKED.replace('https:', 'http:') })
    expect(entry?.settlement).toContain('It agrees with the payment')
  })
})

it('a purchase has one id, whatever is presented for it how often, and its receipt shows it', async () => {
  const unpaid = challenge({ 'payment-identifier': { info: { required: false }, schema: {} } })
  for (let time = 0; time < 2; time++) {
    const outcome = await rig.pay(() => answer(500), { unpaid })
    if (outcome.kind === 'answer') await outcome.delivered({ ...COMPLETE, status: 500 })
  }
  const ids = rig.sent.map(([, value = '']) => JSON.parse(Buffer.from(value, 'base64').toString()).extensions['payment-identifier'].info.id)
  expect(ids).toHaveLength(2)
  expect(new Set(ids).size).toBe(1)
  const { items } = await rig.ledger.receipts({}, { limit: 1 })
  expect(items[0]?.context?.evidence).toEqual([`The server gets the id ${ids[0]} of the purchase.`])
})
