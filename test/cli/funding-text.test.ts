import { expect, it } from 'vitest'
import { fundingLines } from '../../src/cli/funding-text.ts'

it('says how the money of a session stands, and each move with its transaction or the reason why there is none', () => {
  const moves = [
    { kind: 'fund', state: 'done', amount: '10', transaction: '0xab', reason: null },
    { kind: 'sweep', state: 'planned', amount: '7.5', transaction: null, reason: null },
    { kind: 'topup', state: 'failed', amount: '1', transaction: null, reason: 'The session ended before it was sent.' },
  ]
  const funding = { state: 'sweeping', asset: 'USDC', network: 'eip155:84532', funded: '10', swept: '0', moves }
  expect(fundingLines({ id: 'ses_a', funding })).toEqual([
    'Funding   sweeping: 10 USDC came, 0 USDC went back, on eip155:84532',
    '          fund   10 USDC  done  0xab',
    '          sweep  7.5 USDC  planned',
    '          topup  1 USDC  failed  The session ended before it was sent.',
  ])
})

it('says nothing of a session that no treasury keeps', () => {
  expect(fundingLines({ id: 'ses_a' })).toEqual([])
})
