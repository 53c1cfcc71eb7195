import { inspect } from 'node:util'
import fc from 'fast-check'
import { english, generateMnemonic, HDKey, mnemonicToAccount } from 'viem/accounts'
import { describe, expect, it } from 'vitest'
import { parseSeed } from '../../src/wallet/seed.ts'

const WORDS = 'abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about'
const SEED =
  '5eb00bbddcf069084889a8ab9155568165f5c453ccb85e70811aaed6f6da5fc19a5ac40b389cd370d086206dec8aa6c43daea6690f20ad3d8d48b2d2ce9e38e4'

describe('parseSeed', () => {
  it('reads the mnemonic of the standard’s own test vector, however its words are parted', () => {
    expect(Buffer.from(parseSeed(WORDS)).toString('hex')).toBe(SEED)
    expect(Buffer.from(parseSeed(` ${WORDS.replaceAll(' ', '\n')}\n`)).toString('hex')).toBe(SEED)
  })

  it.each([128, 160, 192, 224, 256] as const)('reads mnemonics of %d bits as wallets do', (strength) => {
    const words = generateMnemonic(english, strength)
    const { publicKey } = HDKey.fromMasterSeed(parseSeed(words)).derive("m/44'/60'/0'/0/0")
    expect(publicKey).toEqual(mnemonicToAccount(words).getHdKey().publicKey)
  })

  it('reads 16 to 64 bytes in hex', () => {
    expect(parseSeed(`0x${'ab'.repeat(16)}\n`)).toEqual(new Uint8Array(16).fill(0xab))
    expect(Buffer.from(parseSeed(`0x${SEED}`)).toString('hex')).toBe(SEED)
  })

  it.each([
    '',
    'abandon',
    `0x${'ab'.repeat(15)}`,
    `0x${'ab'.repeat(65)}`,
    `0x${'ab'.repeat(16)}a`,
    'ab'.repeat(32),
    '{"version":3}',
    WORDS.replace('about', 'abandon'),
    WORDS.replace('about', 'canary'),
    WORDS.slice(8),
    `${WORDS} ${WORDS} ${WORDS}`,
  ])('refuses what is none, and says nothing of it: %s', (text) => {
    const fault = faultOf(() => parseSeed(text, 'canary'))
    expect(fault).toBeInstanceOf(Error)
    expect(inspect(fault, { depth: 10, showHidden: true }).split('\n')[0]).not.toMatch(/abandon|canary|abab/)
  })

  it('a word that changed or changed places is seen, but for the one in sixteen that fit by chance', () => {
    const index = fc.integer({ min: 0, max: 11 })
    const seen = fc.sample(fc.tuple(index, fc.constantFrom(...english)), 200).map(([at, word]) => {
      const changed = WORDS.split(' ').with(at, word).join(' ')
      return changed === WORDS || faultOf(() => parseSeed(changed)) !== undefined
    })
    expect(seen.filter(Boolean).length).toBeGreaterThan(100)
  })
})

function faultOf(attempt: () => unknown): unknown {
  try {
    attempt()
    return undefined
  } catch (fault) {
    return fault
  }
}
