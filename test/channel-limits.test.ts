import { expect, it } from 'vitest'
import { CHANNEL_AMOUNT_END, MAX_WITHDRAW_DELAY_S, MIN_WITHDRAW_DELAY_S } from '../src/channel-limits.ts'

it('the bounds of a channel are those of the escrow', () => {
  expect([MIN_WITHDRAW_DELAY_S, MAX_WITHDRAW_DELAY_S]).toEqual([15 * 60, 30 * 24 * 3_600])
  expect(CHANNEL_AMOUNT_END - 1n).toBe(BigInt(`0x${'ff'.repeat(16)}`))
})
