import { describe, expect, it } from 'vitest'
import { agree } from '../../src/chain/agreement.ts'
import type { Sighting } from '../../src/chain/find.ts'

const settled: Sighting = { finding: { kind: 'settled', transaction: '0xaa', block: 7n, time_s: 70 }, blockHash: '0x07' }
const dead: Sighting = { finding: { kind: 'dead', block: 9n, time_s: 90 } }
const open: Sighting = { finding: { kind: 'open', reason: 'Unused so far.' } }
const down: Sighting = { finding: { kind: 'unavailable', reason: 'b.example gave no answer.' } }

describe('two servers', () => {
  it.each([
    ['settled', settled],
    ['dead', dead],
    ['open', open],
  ] as const)('that show the same conclude it: %s', (_, sighting) => {
    expect(agree(sighting, sighting)).toEqual(sighting.finding)
  })

  it('that see different final blocks agree that a nonce is unused', () => {
    expect(agree(dead, { finding: { kind: 'dead', block: 8n, time_s: 88 } })).toEqual(dead.finding)
  })

  it.each([
    ['one sees it settled and the other dead', dead],
    ['one sees it settled and the other open', open],
    ['they name different transactions', { ...settled, finding: { kind: 'settled', transaction: '0xbb', block: 7n, time_s: 70 } }],
    ['they are on different branches', { ...settled, blockHash: '0x08' }],
  ] as const)('conclude nothing where %s, and the disagreement is named', (_, other) => {
    for (const finding of [agree(settled, other), agree(other, settled)]) {
      expect(finding).toMatchObject({
        kind: 'unavailable',
        reason: expect.stringContaining('The two servers of the network disagree: the first says'),
      })
    }
  })

  it('of which one cannot be asked conclude nothing', () => {
    expect(agree(settled, down)).toEqual(down.finding)
    expect(agree(down, dead)).toEqual(down.finding)
  })
})
