import { generatePrivateKey } from 'viem/accounts'
import { describe, expect, it } from 'vitest'
import { PERMIT2 } from '../../../../src/permit-digest.ts'
import type { AuthorizeRequest } from '../../../../src/rails/rail.ts'
import { SPONSORING } from '../../../../src/rails/x402/extensions/sponsoring.ts'
import { ecdsa } from '../../../../src/secp256k1.ts'
import { digestAllowance } from '../../../../src/sponsored-allowance.ts'
import { createLocalWallet } from '../../../../src/wallet/local-key.ts'
import type { TransferSigner } from '../../../../src/wallet/wallet.ts'
import { challengeOf, ENTRY_PERMIT2, ENTRY_V2, headOf, REQUIRED_V2, rail, wallet } from '../challenges.ts'

const NONCE = `0x${'0e'.repeat(32)}` as const
const DECLARED = { info: { description: 'The facilitator pays for the allowance.', version: '1' }, schema: { type: 'object' } }

function asked(extensions: Record<string, unknown> = { [SPONSORING]: DECLARED }, entry: unknown = ENTRY_PERMIT2) {
  return challengeOf(rail.detect(headOf({ ...REQUIRED_V2, accepts: [entry], extensions }), undefined))
}

function request(challenge = asked(), changes: Partial<AuthorizeRequest> = {}): AuthorizeRequest {
  const [offer] = challenge.offers
  if (!offer) throw new Error('no offer')
  return { challenge, offer, nonce: NONCE, validAfter_s: 1_000, validBefore_s: 2_000, walletName: null, allowanceNonce: 7n, ...changes }
}

async function carried(made: AuthorizeRequest, by: TransferSigner = wallet) {
  const { headers } = await rail.authorize(made, by)
  return JSON.parse(Buffer.from(headers[1] ?? '', 'base64').toString('utf8')).extensions
}

describe('a server that pays for allowances', () => {
  it('is known by its extension, in a form that takes one', () => {
    expect(asked().said?.sponsoring).toBe(true)
    expect(asked({ [SPONSORING]: {} }).said?.sponsoring ?? false).toBe(false)
    expect(asked({ erc20ApprovalGasSponsoring: DECLARED }).said?.sponsoring ?? false).toBe(false)
  })
})

describe('an allowance that goes with a payment', () => {
  it('is for Permit2, for exactly the amount, as long as the permit, beside what the server declared', async () => {
    const made = request()
    const extensions = await carried(made)
    const { info } = extensions[SPONSORING]
    const owner = await wallet.address(null)
    expect(extensions[SPONSORING].schema).toEqual(DECLARED.schema)
    expect(info).toMatchObject({
      ...DECLARED.info,
      from: owner,
      spender: PERMIT2,
      amount: made.offer.amount.toString(),
      nonce: '7',
      deadline: '1999',
    })
    const eip712 = { name: 'USDC', version: '2' }
    const allowance = { chainId: 84532, token: info.asset, eip712, owner, value: made.offer.amount, nonce: 7n, deadline: 1999n }
    expect(await ecdsa.isSignedBy(digestAllowance(allowance), info.signature, owner)).toBe(true)
  })

  it('is signed for one payment, and stands in no other one', async () => {
    const challenge = asked()
    expect((await carried(request(challenge)))[SPONSORING].info.nonce).toBe('7')
    const { allowanceNonce: _, ...without } = request(challenge)
    expect((await carried(without))[SPONSORING]).toEqual(DECLARED)
    expect((await carried(request(challenge, { allowanceNonce: 8n })))[SPONSORING].info.nonce).toBe('8')
  })

  it('goes with a payment by Permit2 only, and only where the wallet gives one', async () => {
    const exact = request(asked({ [SPONSORING]: DECLARED }, ENTRY_V2))
    await expect(rail.authorize(exact, wallet)).rejects.toThrow('An allowance was decided on for what takes none')
    const { signAllowance: _, ...without } = wallet
    await expect(rail.authorize(request(), without)).rejects.toThrow('An allowance was decided on for what takes none')
  })

  it.each([
    ['another amount', { value: 1n }],
    ['another nonce', { nonce: 8n }],
    ['a later deadline', { deadline: 9_999n }],
  ])('that the wallet signed for %s goes nowhere', async (_, change) => {
    const lying: TransferSigner = { ...wallet, signAllowance: (name, data) => wallet.signAllowance(name, { ...data, ...change }) }
    await expect(rail.authorize(request(), lying)).rejects.toThrow('did not sign the allowance that was decided')
    const another = createLocalWallet({ key: generatePrivateKey() })
    const owner = await another.address(null)
    const stranger: TransferSigner = { ...wallet, signAllowance: (name, data) => another.signAllowance(name, { ...data, owner }) }
    await expect(rail.authorize(request(), stranger)).rejects.toThrow('did not sign the allowance that was decided')
  })
})
