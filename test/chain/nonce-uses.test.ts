import { describe, expect, it } from 'vitest'
import { checksummed, TRANSFER, topicOf, USED } from '../../src/chain/eip3009.ts'
import type { Log } from '../../src/chain/evm-node.ts'
import { pairUses } from '../../src/chain/nonce-uses.ts'
import { PAYEE, PAYER, TOKEN } from './paper-chain.ts'

const NONCES = ['aa', 'bb'].map((byte) => `0x${byte.repeat(32)}`)
const OTHER = '0x1111111111111111111111111111111111111111'

const log = (changes: Partial<Log>): Log => ({
  ...{ address: TOKEN, topics: [], data: '0x', block: 7n, blockHash: '0x7', transaction: '0x1', index: 0 },
  ...changes,
})
const used = (nonce = '', changes: Partial<Log> = {}) => log({ topics: [USED, topicOf(PAYER), nonce], ...changes })
const moved = (to: string, amount: bigint, changes: Partial<Log> = {}) =>
  log({ topics: [TRANSFER, topicOf(PAYER), topicOf(to)], data: `0x${amount.toString(16).padStart(64, '0')}`, ...changes })

describe('what used authorizations moved', () => {
  it('each of a transaction has its own transfer, in the order of the chain', () => {
    const uses = [used(NONCES[0]), used(NONCES[1], { index: 2 })]
    expect(pairUses(uses, [moved(PAYEE, 5n, { index: 1 }), moved(OTHER, 6n, { index: 3 })])).toMatchObject([
      { nonce: NONCES[0], payTo: checksummed(PAYEE), amountAtomic: 5n },
      { nonce: NONCES[1], payTo: checksummed(OTHER), amountAtomic: 6n },
    ])
  })

  it.each<[string, Log[]]>([
    ['there is no transfer', []],
    ['there are more of them than uses', [moved(PAYEE, 5n), moved(OTHER, 6n)]],
    ['they are of another transaction', [moved(PAYEE, 5n, { transaction: '0x2' })]],
    ['they are of another token', [moved(PAYEE, 5n, { address: OTHER })]],
    ['they are of another form', [moved(PAYEE, 5n, { data: '0x' })]],
  ])('amount and recipient are not guessed where %s', (_, transfers) => {
    expect(pairUses([used(NONCES[0])], transfers)).toEqual([
      { token: checksummed(TOKEN), nonce: NONCES[0], transaction: '0x1', block: 7n, payTo: null, amountAtomic: null },
    ])
  })

  it('an event without a nonce is no use', () => {
    expect(pairUses([log({ topics: [USED, topicOf(PAYER)] })], [])).toEqual([])
  })
})
