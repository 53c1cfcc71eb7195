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
  const ledger = { held: 0n, heldBy: async () => ledger.held }
  return { clock, said, ledger, ask: createAllowances({ chain: { networks: [NETWORK], allowance }, ledger, clock, events, inTime }) }
}

/** A permit that is counted, or a refusal. */
async function counted(asked: ReturnType<ReturnType<typeof rig>['ask']>) {
  const said = await asked
  if (!said || 'code' in said) throw new Error(`not counted: ${said?.detail}`)
  return said
}

describe('the allowance to Permit2', () => {
  it('covers to the last unit, and refuses the next one with the command that mends it', async () => {
    await counted(rig([1_000n]).ask(TERMS))
    const refusal = await rig([999n]).ask(TERMS)
    expect(refusal).toEqual(notAllowed(TERMS, { allowed: 999n, live: 0n }))
    if (!refusal || !('code' in refusal)) throw new Error('it was counted')
    expect(refusal.detail).toBe(
      'It is paid by Permit2, which may have to take 0.001 USDC on eip155:84532 from the wallet, and is allowed 0.000999 USDC.',
    )
    expect(refusal.nextAction).toContain('`purser wallet allow --network eip155:84532 --asset USDC --amount 0.001`')
  })

  it('is asked for again where it did not cover, or is too old', async () => {
    const { clock, ask } = rig([999n, 1_000n, 0n])
    expect(await ask(TERMS)).toMatchObject({ code: 'wallet_insufficient' })
    ;(await counted(ask(TERMS))).release()
    ;(await counted(ask(TERMS))).release()
    clock.advance(BALANCE_AGE_MS)
    expect(await ask(TERMS)).toMatchObject({ code: 'wallet_insufficient' })
  })

  it('is not counted on twice: of permits at once so many are let through as it covers together', async () => {
    const { ask } = rig([2_500n])
    const asked = await Promise.all([1, 2, 3, 4].map(() => ask(TERMS)))
    const refused = asked.flatMap((one) => (one && 'code' in one ? [one] : []))
    expect(refused).toHaveLength(2)
    expect(refused[0]?.detail).toContain('is allowed 0.0025 USDC, of which permits that are out may still take 0.002 USDC.')
    expect(refused[0]?.nextAction).toContain('--amount 0.003`')
    const [first] = asked
    if (first && 'release' in first) first.release()
    await counted(ask(TERMS))
    expect(await ask(TERMS)).toMatchObject({ code: 'wallet_insufficient' })
  })

  it('does not cover what permits of the ledger may still take, and covers again what they no longer may', async () => {
    const { ask, ledger } = rig([2_000n])
    ledger.held = 1_001n
    expect(await ask(TERMS)).toMatchObject({ code: 'wallet_insufficient' })
    ledger.held = 1_000n
    const permit = await counted(ask(TERMS))
    permit.reserved()
    ledger.held = 2_000n
    expect(await ask(TERMS)).toMatchObject({ code: 'wallet_insufficient' })
    // Both are void by now.
    ledger.held = 0n
    await counted(ask(TERMS))
    await counted(ask(TERMS))
    expect(await ask(TERMS)).toMatchObject({ code: 'wallet_insufficient' })
  })

  it('counts what is not reserved yet beside what the ledger holds, and what is reserved once', async () => {
    const { ask, ledger, clock } = rig([3_000n])
    const [one, two] = [await counted(ask(TERMS)), await counted(ask(TERMS))]
    one.reserved()
    ledger.held = 1_000n
    clock.advance(BALANCE_AGE_MS)
    const three = await counted(ask(TERMS))
    expect(await ask(TERMS)).toMatchObject({ code: 'wallet_insufficient' })
    three.release()
    two.release()
    await counted(ask(TERMS))
  })

  it('refuses nothing where nobody can tell it', async () => {
    const silent = rig([new Error('no answer')])
    expect(await silent.ask(TERMS)).toBeUndefined()
    expect(silent.said).toEqual([expect.stringContaining('cannot be read')])
    expect(await rig(['late']).ask(TERMS)).toBeUndefined()
    expect(await rig([0n]).ask({ ...TERMS, network: 'eip155:1' })).toBeUndefined()
  })

  it('that a payment brings itself is for one at a time, and not needed where there is enough', async () => {
    const sponsored = { ...TERMS, sponsored: true }
    const { ask } = rig([999n])
    const first = await counted(ask(sponsored))
    expect(await ask(sponsored)).toMatchObject({ code: 'purchase_in_progress', retryAfter_s: 5 })
    expect(await ask(TERMS)).toMatchObject({ code: 'wallet_insufficient' })
    first.release()
    ;(await counted(ask(sponsored))).release()
    const waiting = rig([999n])
    waiting.ledger.held = 1n
    expect(await waiting.ask(sponsored)).toMatchObject({ code: 'purchase_in_progress' })
    const enough = rig([2_000n])
    await counted(enough.ask(sponsored))
    await counted(enough.ask(sponsored))
  })
})
