import { describe, expect, it } from 'vitest'
import type { Case } from '../../src/payment/case.ts'
import { allowanceNonceFor, isSponsored } from '../../src/payment/sponsoring.ts'
import { createLocalWallet } from '../../src/wallet/local-key.ts'
import { NETWORK, termsOf } from '../ledger/fixtures.ts'

const TERMS = termsOf(1_000n, { method: 'permit2' })
const KEY = `0x${'c0ffee11'.repeat(8)}` as const
const SAID = { sponsoring: true, identifiable: false, signedOffers: [], login: undefined, described: undefined }

interface Given {
  readonly allowed?: bigint | Error
  readonly offered?: boolean
  readonly terms?: Case['terms']
  readonly off?: true
  readonly networks?: readonly string[]
  readonly keyless?: true
}

/** What of a case is looked at. */
function caseOf({ allowed = 0n, offered = true, terms = TERMS, off, networks = [NETWORK], keyless }: Given): Case {
  const allowance = async () => {
    if (allowed instanceof Error) throw allowed
    return allowed
  }
  const { signAllowance, ...rest } = createLocalWallet({ key: KEY })
  const wallet = keyless ? rest : { ...rest, signAllowance }
  const sponsoring = off ? undefined : { networks, allowance, allowanceNonce: async () => 7n }
  const challenge = { said: { ...SAID, sponsoring: offered } }
  return { deps: { wallet, sponsoring }, challenge, terms } as unknown as Case
}

describe('a payment that may bring its own allowance', () => {
  it('brings one by the token’s nonce where Permit2 may take too little', async () => {
    expect(await allowanceNonceFor(caseOf({ allowed: 999n }))).toBe(7n)
    expect(await allowanceNonceFor(caseOf({ allowed: 1_000n }))).toBeUndefined()
  })

  it.each<[string, Given]>([
    ['the operator does not allow it', { off: true }],
    ['the server does not offer it', { offered: false }],
    ['it is not paid by Permit2', { terms: termsOf(1_000n) }],
    ['its chain cannot be asked', { networks: [] }],
    ['the wallet gives none', { keyless: true }],
  ])('brings none where %s', async (_, given) => {
    const matter = caseOf(given)
    expect(isSponsored(matter, given.terms ?? TERMS)).toBe(false)
    expect(await allowanceNonceFor(matter)).toBeUndefined()
  })

  it('is not signed where the chain does not tell what is allowed', async () => {
    await expect(allowanceNonceFor(caseOf({ allowed: new Error('down') }))).rejects.toThrow('Nothing was paid.')
  })
})
