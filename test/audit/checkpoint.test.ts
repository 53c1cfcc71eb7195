import { describe, expect, it } from 'vitest'
import { canonicalJson } from '../../src/audit/canonical.ts'
import { GENESIS_HASH } from '../../src/audit/chain.ts'
import { checkpointHash, createCheckpointSigner, isSigned, nextCheckpoint } from '../../src/audit/checkpoint.ts'
import { sha256 } from '../../src/audit/digest.ts'
import { AT, OTHER_SIGNER, SIGNER } from './checkpoint-fixture.ts'

const heads = [
  { sessionId: 'ses_b', number: 2, hash: 'b'.repeat(64) },
  { sessionId: 'ses_a', number: 1, hash: 'a'.repeat(64) },
]
const first = nextCheckpoint({ previous: undefined, ledgerId: 'led_1', at: AT, heads, signer: SIGNER })
const second = nextCheckpoint({ previous: first.checkpoint, ledgerId: 'led_1', at: AT, heads, signer: SIGNER })

describe('the signer', () => {
  it.each([
    [
      '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
      'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    ],
    [
      '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
      '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    ],
  ])('has the public key that RFC 8032 gives for the seed %s', (seed, publicKey) => {
    expect(createCheckpointSigner(Buffer.from(seed, 'hex')).publicKey).toBe(publicKey)
  })

  it('signs as RFC 8032 does', () => {
    const signer = createCheckpointSigner(Buffer.from('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb', 'hex'))
    expect(signer.sign('r')).toBe(
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    )
  })

  it('takes 32 bytes and no other number', () => {
    expect(() => createCheckpointSigner(Buffer.alloc(31))).toThrow('has 32 bytes, not 31')
  })
})

describe('a checkpoint', () => {
  it('is numbered from 1 and carries the hash of the one before', () => {
    expect(first.checkpoint).toMatchObject({ number: 1, previousHash: GENESIS_HASH, at: '2026-06-27T12:00:00.000Z' })
    expect(second.checkpoint).toMatchObject({ number: 2, previousHash: checkpointHash(first.checkpoint) })
    expect(checkpointHash(first.checkpoint)).toBe(sha256(first.text))
  })

  it('names its heads by session, in one order, and what was signed is its canonical JSON without the signature', () => {
    expect(first.checkpoint.heads.map(({ sessionId }) => sessionId)).toEqual(['ses_a', 'ses_b'])
    const { signature: _, ...body } = first.checkpoint
    expect(first.text).toBe(canonicalJson(body))
  })

  it('holds as it was signed, and not once anything in it is another', () => {
    const { checkpoint } = first
    expect(isSigned(checkpoint)).toBe(true)
    const changed = [
      { ledgerId: 'led_2' },
      { number: 2 },
      { at: '2026-06-27T12:00:00.001Z' },
      { heads: checkpoint.heads.slice(1) },
      { previousHash: 'f'.repeat(64) },
      { publicKey: OTHER_SIGNER.publicKey },
      { signature: second.checkpoint.signature },
    ]
    for (const change of changed) expect(isSigned({ ...checkpoint, ...change }), JSON.stringify(change)).toBe(false)
  })

  it('does not hold under what is no key', () => {
    for (const publicKey of ['', '00', 'f'.repeat(64), 'zz']) expect(isSigned({ ...first.checkpoint, publicKey })).toBe(false)
  })
})
