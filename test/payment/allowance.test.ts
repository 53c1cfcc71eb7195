import { describe, expect, it } from 'vitest'
import { BALANCE_AGE_MS } from '../../src/limits.ts'
import { createAllowances, notAllowed } from '../../src/payment/allowance.ts'
import { testClock } from '../clock.ts'
import { NETWORK, termsOf } from '../ledger/fixtures.ts'

const TERMS = termsOf(1_000n, { method: 'permit2' })

function rig(answers: (bigint | Error | 'late')[]) {
  const clock = testClock()
  const said: string[] = []
  const allowance = async () => {
    const answer = answers.length > 1 ? answers.shift() : answers[0]
    if (answer instanceof Error) throw answer
    return answer === 'late' || answer === undefined ? new Promise<never>(() => undefined) : answer
  }
  const inTime = <T>(work: Promise<T>) => (answers[0] === 'late' ? Promise.resolve(undefined) : work)
  const events = { warned: (what: string) => void said.push(what) }
  return { clock, said, ask: createAllowances({ chain: { networks: [NETWORK], allowance }, clock, events, inTime }) }
}

describe('the allowance to Permit2', () => {
  it('covers to the last unit, and refuses the next one with the command that mends it', async () => {
    expect(await rig([1_000n]).ask(TERMS)).toBeUndefined()
    const refusal = await rig([999n]).ask(TERMS)
    expect(refusal).toEqual(notAllowed(TERMS, 999n))
    expect(refusal?.detail).toBe(
      'It is paid by Permit2, which may have to take 0.001 USDC on eip155:84532 from the wallet, and is allowed 0.000999 USDC.',
    )
    expect(refusal?.nextAction).toContain('`purser wallet allow --network eip155:84532 --asset USDC --amount 0.001`')
  })

  it('is asked for again where it did not cover, or is too old', async () => {
    const { clock, ask } = rig([999n, 1_000n, 0n])
    expect(await ask(TERMS)).toMatchObject({ code: 'wallet_insufficient' })
    expect(await ask(TERMS)).toBeUndefined()
    expect(await ask(TERMS)).toBeUndefined()
    clock.advance(BALANCE_AGE_MS)
    expect(await ask(TERMS)).toMatchObject({ code: 'wallet_insufficient' })
  })

  it('refuses nothing where nobody can tell it', async () => {
    const silent = rig([new Error('no answer')])
    expect(await silent.ask(TERMS)).toBeUndefined()
    expect(silent.said).toEqual([expect.stringContaining('cannot be read')])
    expect(await rig(['late']).ask(TERMS)).toBeUndefined()
    expect(await rig([0n]).ask({ ...TERMS, network: 'eip155:1' })).toBeUndefined()
  })
})
