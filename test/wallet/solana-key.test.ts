import { verify } from 'node:crypto'
import { inspect } from 'node:util'
import { createKeyPairFromBytes, getAddressFromPublicKey, getBase58Decoder } from '@solana/kit'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeBase58, publicKeyOf, TOKEN_PROGRAM } from '../../src/solana-address.ts'
import { compileTransfer, type SolanaTransfer } from '../../src/solana-message.ts'
import { createSolanaWallet, parseSolanaKey } from '../../src/wallet/solana-key.ts'

const seed = Uint8Array.from(Buffer.from('5ca1ab1e'.repeat(8), 'hex'))
const wallet = createSolanaWallet(seed)
const key = (fill: number) => encodeBase58(new Uint8Array(32).fill(fill))

async function transfer(): Promise<SolanaTransfer> {
  return {
    network: 'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1',
    mint: '4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU',
    tokenProgram: TOKEN_PROGRAM,
    decimals: 6,
    from: await wallet.address(null),
    to: key(2),
    value: 1_000n,
    nonce: `0x${'00'.repeat(32)}`,
    feePayer: key(3),
    blockhash: key(4),
  }
}

async function pairOf(bytes: Uint8Array): Promise<Uint8Array> {
  const address = publicKeyOf(await createSolanaWallet(bytes).address(null)).export({ format: 'der', type: 'spki' })
  return Uint8Array.from([...bytes, ...address.subarray(-32)])
}

describe('a Solana key', () => {
  it('is read from a keypair file, base 58 and a seed, and has the address that the official library gives it', async () => {
    const pair = await pairOf(seed)
    const { publicKey } = await createKeyPairFromBytes(pair)
    expect(await wallet.address(null)).toBe(await getAddressFromPublicKey(publicKey))
    for (const text of [JSON.stringify([...pair]), getBase58Decoder().decode(pair), `0x${'5ca1ab1e'.repeat(8)}\n`, '5CA1AB1E'.repeat(8)]) {
      expect(parseSolanaKey(text)).toEqual(seed)
    }
  })

  it('is refused in every other form, and the message tells nothing of it', async () => {
    const pair = await pairOf(seed)
    const broken = pair.with(40, (pair[40] ?? 0) ^ 1)
    for (const text of [
      '',
      '[]',
      '[1,2',
      JSON.stringify([...pair, 1]),
      JSON.stringify([...broken]),
      '[256]',
      '5ca1ab1e',
      encodeBase58(seed),
    ]) {
      expect(() => parseSolanaKey(text)).toThrow(/^(a Solana key is|the two halves)/)
    }
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          expect(parseSolanaKey(text)).toHaveLength(32)
        } catch (fault) {
          expect(String(fault)).toMatch(/^Error: (a Solana key is|the two halves)/)
        }
      }),
    )
  })
})

describe('the Solana wallet', () => {
  it('signs the transaction that it wrote itself, the same each time', async () => {
    const made = await transfer()
    const signature = await wallet.signTransfer(null, made)
    expect(verify(null, compileTransfer(made), publicKeyOf(made.from), signature)).toBe(true)
    expect(await wallet.signTransfer('default', made)).toEqual(signature)
  })

  it('signs nothing for another wallet, and nothing in which it would pay the fee', async () => {
    const made = await transfer()
    await expect(wallet.signTransfer(null, { ...made, from: key(9) })).rejects.toThrow('not one of this wallet')
    await expect(wallet.signTransfer(null, { ...made, feePayer: made.from })).rejects.toThrow('fee payer')
    await expect(wallet.signTransfer('other', made)).rejects.toThrow('no wallet of this name')
    await expect(wallet.address('other')).rejects.toThrow('no wallet of this name')
  })

  it('shows its address and nothing of its key when it is printed', async () => {
    const shown = inspect(wallet, { depth: 9, showHidden: true })
    expect(shown).toContain(await wallet.address(null))
    expect(shown).not.toContain('5ca1ab1e')
  })
})
