import { describe, expect, it } from 'vitest'
import { type Checkpoint, checkpointHash, nextCheckpoint } from '../../src/audit/checkpoint.ts'
import { checkpointVerifier, type Expected } from '../../src/audit/seals.ts'
import { AT, historyOf, OTHER_SIGNER, SIGNER } from './checkpoint-fixture.ts'

const { checkpoints } = historyOf('ab|a|b|c')
const [one, two, three, four] = checkpoints

function faultsOf(list: readonly (Checkpoint | undefined)[], expected?: Expected) {
  const verifier = checkpointVerifier(expected)
  for (const checkpoint of list) {
    const fault = checkpoint && verifier.add(checkpoint)
    if (fault) return fault
  }
  return verifier.missing() ?? verifier
}

/** The checkpoint again, changed and signed by whoever. */
function again(checkpoint: Checkpoint | undefined, changes: Partial<Checkpoint>, signer = SIGNER): Checkpoint {
  if (!checkpoint) throw new Error('there is no such checkpoint')
  const { heads, ledgerId } = { ...checkpoint, ...changes }
  const previous = checkpoints[checkpoint.number - 2]
  return nextCheckpoint({ previous, ledgerId, at: AT, heads, signer }).checkpoint
}

describe('checkpoints in their order', () => {
  it('hold, and tell which entries they cover', () => {
    const verifier = faultsOf(checkpoints)
    if (typeof verifier === 'string') throw new Error(verifier)
    expect(verifier.seal()).toMatchObject({ number: 4, ledgerId: 'led_1', publicKey: SIGNER.publicKey })
    expect(verifier.seal()?.hash).toBe(four && checkpointHash(four))
    expect(['ses_a', 'ses_b', 'ses_c', 'ses_d'].map(verifier.covered)).toEqual([2, 2, 1, 0])
    expect([verifier.count(), verifier.coveredInAll()]).toEqual([4, 5])
  })

  it.each([
    ['one is missing', [one, three], 'checkpoint 2 was expected here'],
    ['the first is missing', [two], 'checkpoint 1 was expected here'],
    ['one comes twice', [one, one], 'checkpoint 2 was expected here'],
    ['two are swapped', [one, three, two], 'checkpoint 2 was expected here'],
    ['one follows another history', [one, again(two, { heads: [] }), three], 'it does not follow the checkpoint before it'],
    ['one is of another ledger', [one, again(two, { ledgerId: 'led_2' })], 'it belongs to another ledger than the one before'],
    ['one is signed by another', [one, again(two, {}, OTHER_SIGNER)], 'it is signed with another key'],
    ['one was changed', [one, two && { ...two, at: 'now' }], 'its signature does not hold'],
    [
      'a chain went back',
      [one, again(two, { heads: one?.heads ?? [] })],
      'it sets session ses_a back to number 1: there are two histories',
    ],
  ])('do not hold where %s', (_, list, why) => {
    expect(faultsOf(list)).toBe(why)
  })

  it('name each session once, in order', () => {
    expect(faultsOf([{ ...again(one, {}), heads: [] }])).toBe('its signature does not hold')
    const [head] = one?.heads ?? []
    expect(faultsOf([again(one, { heads: head ? [head, head] : [] })])).toBe('its heads are not in order')
  })

  it('hold only under the key that was asked for', () => {
    expect(faultsOf(checkpoints, { key: OTHER_SIGNER.publicKey })).toBe('it is signed with another key')
    expect(faultsOf(checkpoints, { key: SIGNER.publicKey })).not.toBeTypeOf('string')
  })

  it('have to reach a noted one, and to be it', () => {
    const noted = { number: 3, hash: three ? checkpointHash(three) : '' }
    expect(faultsOf(checkpoints, { anchor: noted })).not.toBeTypeOf('string')
    expect(faultsOf([one, two], { anchor: noted })).toBe('checkpoint 3 was noted, and the newest one here is 2: history was rolled back')
    expect(faultsOf(checkpoints, { anchor: { ...noted, hash: '0'.repeat(64) } })).toBe(
      'it is another one than was noted: there are two histories',
    )
  })
})
