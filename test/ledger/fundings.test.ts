import { expect, it } from 'vitest'
import { fundingId, NEVER } from '../../src/ledger/fundings.ts'

it('a funding is named by its session and number, so that no two share a name', () => {
  expect(fundingId({ sessionId: 'ses_a', number: 2 })).toBe('fnd_ses_a_2')
})

it('never is a time that every store can keep', () => {
  expect(Number.isSafeInteger(NEVER)).toBe(true)
})
