import { describe, expect, it } from 'vitest'
import { createTreasury, type Signed } from '../../src/funding/treasury.ts'
import { ecdsa } from '../../src/secp256k1.ts'
import { digestTransfer } from '../../src/transfer-digest.ts'
import { createDerivedWallet } from '../../src/wallet/derived.ts'
import { createLocalWallet } from '../../src/wallet/local-key.ts'
import { move, USDC } from './fixtures.ts'

const KEY = `0x${'5a'.repeat(32)}` as const
const SECRET = Buffer.alloc(32, 7)

async function rig() {
  const sent: Signed[] = []
  const wallet = createDerivedWallet({ seed: Buffer.alloc(32, 3) })
  const treasury = await createTreasury({
    ...{ asset: USDC, purse: createLocalWallet({ key: KEY }), wallet, nonceSecret: SECRET, chainId: 84532 },
    deliver: async (signed) => {
      sent.push(signed)
      return '0xab'
    },
  })
  const own = await treasury.addressOf('ses_a')
  const out = { ...move(1), from: treasury.address, to: own, validBefore_s: 1_782_000_900 }
  const back = { ...move(2, { kind: 'sweep' }), from: own, to: treasury.address, validBefore_s: 1_782_000_900 }
  return { treasury, sent, own, out, back }
}

describe('the treasury', () => {
  it('signs what it pays with its own key, and what comes back with the session’s, the same each time', async () => {
    const { treasury, sent, out, back } = await rig()
    for (const one of [out, out, back]) await treasury.send(one)
    expect(sent[0]).toEqual(sent[1])
    for (const signed of [sent[0], sent[2]]) {
      if (!signed) throw new Error('nothing was sent')
      const domain = { name: 'USDC', version: '2', chainId: 84532, verifyingContract: USDC.address as `0x${string}` }
      const digest = digestTransfer({ ...signed, domain } as never)
      expect(await ecdsa.recoverAddress(digest, signed.signature as `0x${string}`)).toBe(signed.from)
    }
  })

  it('pays nobody but the session whose move it is, and is paid by nobody else', async () => {
    const { treasury, sent, own, out, back } = await rig()
    const other = await treasury.addressOf('ses_b')
    const wrong = [
      { ...out, to: other },
      { ...out, to: treasury.address },
      { ...out, from: own },
      { ...back, to: other },
      { ...back, from: other },
      { ...back, kind: 'fund' as const },
      { ...out, kind: 'sweep' as const },
      { ...out, network: 'eip155:1' },
      { ...out, token: other },
    ]
    for (const one of wrong) await expect(treasury.send(one)).rejects.toThrow()
    expect(sent).toEqual([])
  })

  it('gives each move one nonce for ever, which no other move has', async () => {
    const [{ treasury }, again] = [await rig(), await rig()]
    const nonces = [1, 2, 11].flatMap((number) => ['ses_a', 'ses_b', 'ses_a_1'].map((sessionId) => treasury.nonceOf({ sessionId, number })))
    expect(new Set(nonces).size).toBe(nonces.length)
    expect(nonces[0]).toMatch(/^0x[0-9a-f]{64}$/)
    expect(again.treasury.nonceOf({ sessionId: 'ses_a', number: 1 })).toBe(nonces[0])
  })
})
