import { describe, expect, it } from 'vitest'
import type { ChainTime } from '../../src/chain/chain.ts'
import { createEvmChain } from '../../src/chain/evm-chain.ts'
import { CHAIN_TIME_INTERVAL_MS, CHAIN_TIME_LIFETIME_MS, MAX_CHAIN_SKEW_MS } from '../../src/limits.ts'
import { createClockGuard } from '../../src/payment/clock-guard.ts'
import { testClock } from '../clock.ts'
import { chainTime, nextBlockAt } from '../testnet/authorizations.ts'
import { NETWORK, startChain } from '../testnet/chain.ts'
import { warnings } from './proof-rig.ts'

/** A chain with a block every two seconds, and a wall clock that can jump away from the monotonic one. */
function startGuard({ skew_ms = 0 } = {}) {
  const true_ = testClock()
  const world = { skew_ms, down: false, still: undefined as ChainTime | undefined }
  const clock = { now: () => true_.now() + world.skew_ms, monotonic: () => true_.monotonic() }
  const time = async (): Promise<ChainTime> => {
    if (world.down) throw new Error('rpc.example gave no answer')
    const number = Math.floor(true_.now() / 2_000)
    return world.still ?? { block: BigInt(number), time_s: number * 2 }
  }
  const { said, events } = warnings()
  const guard = createClockGuard({ chain: { networks: [NETWORK], time }, clock, events })
  const lookAfter = async (ms: number) => {
    true_.advance(ms)
    await guard.look()
  }
  return { guard, world, said, lookAfter, pass: (ms: number) => true_.advance(ms), stand: async () => (world.still = await time()) }
}

describe('while the chain keeps time', () => {
  it('a clock that agrees bars nothing', async () => {
    const { guard, lookAfter, said } = startGuard()
    await lookAfter(0)
    await lookAfter(CHAIN_TIME_INTERVAL_MS)
    expect(guard.bar(NETWORK)).toBeUndefined()
    expect(said).toEqual([])
  })

  it.each([-86_400_000, -31_000, 33_000, 86_400_000])('a clock that is %i ms off bars signing, and says both times', async (skew_ms) => {
    const { guard, lookAfter, said } = startGuard({ skew_ms })
    await lookAfter(0)
    await lookAfter(CHAIN_TIME_INTERVAL_MS)
    const bar = guard.bar(NETWORK)
    expect(bar).toMatchObject({ code: 'clock_skew', moneyState: 'none' })
    expect(bar?.detail).toMatch(/local clock says \S+Z, the chain eip155:84532 says \S+Z.*Set the machine’s clock.*Nothing was paid/)
    await lookAfter(CHAIN_TIME_INTERVAL_MS)
    expect(said).toHaveLength(1)
  })

  it.each([-MAX_CHAIN_SKEW_MS, MAX_CHAIN_SKEW_MS - 2_000])('a clock that is %i ms off still signs', async (skew_ms) => {
    const { guard, lookAfter } = startGuard({ skew_ms })
    await lookAfter(0)
    await lookAfter(CHAIN_TIME_INTERVAL_MS)
    expect(guard.bar(NETWORK)).toBeUndefined()
  })

  it('a clock that jumps between two looks is caught at once, and trusted at once when it jumps back', async () => {
    const { guard, lookAfter, world, pass } = startGuard()
    await lookAfter(0)
    await lookAfter(CHAIN_TIME_INTERVAL_MS)
    pass(1_000)
    world.skew_ms = 86_400_000
    expect(guard.bar(NETWORK)).toMatchObject({ code: 'clock_skew' })
    world.skew_ms = -86_400_000
    expect(guard.bar(NETWORK)).toMatchObject({ code: 'clock_skew' })
    world.skew_ms = 0
    expect(guard.bar(NETWORK)).toBeUndefined()
  })

  it('a thousand jumps of any size are judged right', async () => {
    const { guard, lookAfter, world } = startGuard()
    await lookAfter(0)
    for (let jump = 0; jump < 1_000; jump++) {
      await lookAfter(CHAIN_TIME_INTERVAL_MS)
      world.skew_ms = ((jump * 7_919) % 200) * 1_000 - 100_000
      const expected = Math.abs(world.skew_ms) > MAX_CHAIN_SKEW_MS
      expect(guard.bar(NETWORK) !== undefined).toBe(expected)
    }
  })
})

describe('nothing is said by', () => {
  it('a chain that was seen once only', async () => {
    const { guard, lookAfter } = startGuard({ skew_ms: 86_400_000 })
    await lookAfter(0)
    expect(guard.bar(NETWORK)).toBeUndefined()
  })

  it('a chain that stands still, once it has stood still for long enough', async () => {
    const { guard, lookAfter, stand, world } = startGuard()
    await lookAfter(0)
    await lookAfter(CHAIN_TIME_INTERVAL_MS)
    await stand()
    for (let waited = 0; waited < CHAIN_TIME_LIFETIME_MS; waited += CHAIN_TIME_INTERVAL_MS) {
      await lookAfter(CHAIN_TIME_INTERVAL_MS)
      expect(guard.bar(NETWORK)).toBeUndefined()
    }
    await lookAfter(CHAIN_TIME_INTERVAL_MS)
    world.skew_ms = 86_400_000
    expect(guard.bar(NETWORK)).toBeUndefined()
  })

  it('a chain that never advanced since we look, however old its block is', async () => {
    const { guard, lookAfter, stand } = startGuard()
    await stand()
    for (let look = 0; look < 20; look++) await lookAfter(CHAIN_TIME_INTERVAL_MS)
    expect(guard.bar(NETWORK)).toBeUndefined()
  })

  it('an older block of a server that lags', async () => {
    const { guard, lookAfter, world } = startGuard()
    await lookAfter(0)
    await lookAfter(CHAIN_TIME_INTERVAL_MS)
    world.still = { block: 5n, time_s: 10 }
    await lookAfter(1_000)
    expect(guard.bar(NETWORK)).toBeUndefined()
  })

  it('an RPC that fails, which is warned of once', async () => {
    const { guard, lookAfter, world, said } = startGuard({ skew_ms: 86_400_000 })
    world.down = true
    for (let look = 0; look < 5; look++) await lookAfter(CHAIN_TIME_INTERVAL_MS)
    expect(guard.bar(NETWORK)).toBeUndefined()
    expect(said).toEqual([expect.stringContaining('the clock is not checked')])
  })

  it('networks without an RPC', () => {
    expect(startGuard().guard.bar('eip155:1')).toBeUndefined()
  })
})

describe('on a real chain', () => {
  it('a jump of the chain’s time bars signing, and a clock that follows signs again', async () => {
    await using chain = await startChain()
    const clock = testClock((await chainTime(chain)) * 1_000)
    const port = createEvmChain({ networks: [{ id: NETWORK, rpc: chain.rpcUrl, finalityBlocks: 1 }] })
    const guard = createClockGuard({ chain: port, clock, ...warnings() })
    await guard.look()
    await nextBlockAt(chain, (await chainTime(chain)) + 3_600)
    await chain.mine({ blocks: 1 })
    await guard.look()
    expect(guard.bar(NETWORK)).toMatchObject({ code: 'clock_skew' })
    clock.advance(3_600_000)
    await chain.mine({ blocks: 1, seconds: 1 })
    await guard.look()
    expect(guard.bar(NETWORK)).toBeUndefined()
  })
})

describe('the loop', () => {
  it('looks at once and after each pause, and ends when it is stopped', async () => {
    let looks = 0
    const time = async () => ({ block: BigInt(++looks), time_s: looks })
    const pauses: (() => void)[] = []
    const pause = (ms: number, signal: AbortSignal) => {
      expect(ms).toBe(CHAIN_TIME_INTERVAL_MS)
      return new Promise<void>((resolve) => {
        pauses.push(resolve)
        signal.addEventListener('abort', () => resolve())
      })
    }
    const guard = createClockGuard({ chain: { networks: [NETWORK], time }, clock: testClock(), ...warnings(), pause })
    guard.start()
    guard.start()
    while (pauses.length < 1) await Promise.resolve()
    expect(looks).toBe(1)
    pauses[0]?.()
    while (pauses.length < 2) await Promise.resolve()
    expect(looks).toBe(2)
    await guard.stop()
    expect(looks).toBe(2)
  })
})
