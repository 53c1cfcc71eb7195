import { numberToHex, toFunctionSelector } from 'viem'
import { describe, expect, it } from 'vitest'
import { RpcError } from '../../src/chain/rpc.ts'
import { permissionCall, readPeriod, unusable, yesOrNo } from '../../src/chain/spend-permission.ts'
import type { SpendPermission } from '../../src/outer-ceilings.ts'

const PERMISSION: SpendPermission = {
  network: 'eip155:84532',
  account: `0x${'Aa'.repeat(20)}`,
  spender: `0x${'22'.repeat(20)}`,
  token: `0x${'33'.repeat(20)}`,
  ...{ allowance: 50n, period: 100, start: 1_000, end: 1_250, salt: 0n },
  extraData: '0x',
}
const words = (...values: readonly bigint[]) => `0x${values.map((value) => numberToHex(value, { size: 32 }).slice(2)).join('')}`
const WORD = 2n ** 256n - 1n

describe('a spend permission', () => {
  it('is asked about by the selectors of the published contract, whatever the letters of its addresses', () => {
    for (const question of ['isApproved', 'isRevoked', 'getCurrentPeriod'] as const) {
      const published = `${question}((address,address,address,uint160,uint48,uint48,uint48,uint256,bytes))`
      expect(permissionCall(question, PERMISSION).slice(0, 10)).toBe(toFunctionSelector(published))
    }
    const lower: SpendPermission = { ...PERMISSION, account: `0x${'aa'.repeat(20)}` }
    expect(permissionCall('isApproved', PERMISSION)).toBe(permissionCall('isApproved', lower))
  })

  it('has a period that begins and ends within it, around now, with no more spent than allowed', () => {
    expect(readPeriod(words(1_100n, 1_200n, 50n), PERMISSION, 1_199)).toEqual({ end_s: 1_200, spent: 50n })
    expect(readPeriod(words(1_200n, 1_250n, 0n), PERMISSION, 1_200)).toEqual({ end_s: 1_250, spent: 0n })
  })

  it.each([
    ['before its start', words(900n, 1_200n, 0n)],
    ['past its end', words(1_100n, 1_300n, 0n)],
    ['over', words(1_000n, 1_100n, 0n)],
    ['to come', words(1_200n, 1_250n, 0n)],
    ['in which more was spent than allowed', words(1_100n, 1_200n, 51n)],
    ['of large numbers', words(WORD, WORD, WORD)],
    ['of two words', words(1_100n, 1_200n)],
    ['of four words', words(1_100n, 1_200n, 0n, 0n)],
    ['of nothing', '0x'],
  ])('is not believed to have a period %s', (_, answer) => {
    expect(() => readPeriod(answer, PERMISSION, 1_150)).toThrow(RpcError)
  })

  it('is approved or not, and nothing between', () => {
    expect([yesOrNo(words(0n)), yesOrNo(words(1n))]).toEqual([false, true])
    expect(() => yesOrNo(words(2n))).toThrow(RpcError)
  })

  it('that is not usable lets nobody take anything', () => {
    expect(unusable('revoked')).toEqual({ state: 'revoked', spent: 0n, left: 0n, nextPeriod_s: null })
    expect(unusable('not_started', 1_000).nextPeriod_s).toBe(1_000)
  })
})
